/** A field for a code and its button; what became of it is told below. */
import { html, useState } from "../html.js";

/**
 * @param {{id: string, label: string, button: string, use: (code: string) => Promise<any>, disabled?: boolean,
 *   busy?: boolean, told?: any, good?: boolean, class?: string, test?: string}} props `use` is given what was typed;
 *   the field is emptied once it answers something true
 */
export function CodeForm({ id, label, button, use, disabled = false, busy = false, told, good = false, class: kind = "", test }) {
  const [code, setCode] = useState("");
  const submit = (event) => {
    event.preventDefault();
    if (code.trim()) use(code.trim()).then((done) => done && setCode(""));
  };
  return html`<form class=${`code ${kind}`} data-test=${test} onSubmit=${submit}>
    <label class="field" for=${id}><span>${label}</span></label>
    <div class="code-row">
      <input
        id=${id}
        type="text"
        maxlength="64"
        autocomplete="off"
        autocapitalize="characters"
        spellcheck=${false}
        value=${code}
        disabled=${disabled}
        aria-describedby=${`${id}-told`}
        onInput=${(event) => setCode(event.currentTarget.value)}
      />
      <button class="button" disabled=${disabled || busy}>${button}</button>
    </div>
    <p id=${`${id}-told`} class=${good ? "saved" : "reason"} role=${good ? "status" : "alert"} data-test=${`${id}-told`}>${told}</p>
  </form>`;
}
