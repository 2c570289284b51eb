/** The signing lab (demo only): the exact string to sign, and what is wrong with a signature that does not verify. */
import { html, useState } from "../html.js";
import { lastPayment } from "../see_through/steps.js";
import { useAct } from "../ui/act.js";
import { ProblemNotice } from "../ui/notice.js";

export const title = (t) => t("lab.title");

export default function Lab({ shop, session, t, lang, config }) {
  const [payment, setPayment] = useState("");
  const [signed, setSigned] = useState("");
  const [outcome, setOutcome] = useState({});
  const [examine, busy] = useAct(async (event) => {
    event.preventDefault();
    setOutcome(await examined(shop, payment, signed));
  });
  const last = lastPayment();
  const fill = () => {
    setPayment(JSON.stringify(last.request.body, null, 2));
    setSigned(last.signedString);
  };
  if (!config.demo) return html`<h1>${t("lab.title")}</h1><p>${t("lab.demoOnly")}</p>`;
  return html`
    <div class="page-head"><h1>${t("lab.title")}</h1></div>
    <p>${t("lab.intro")}</p>
    ${!session && html`<p class="notice"><a href="/login?next=%2Flab">${t("lab.signIn")}</a></p>`}
    <form class="sheet form" onSubmit=${examine}>
      <label class="field"><span>${t("lab.payment")}</span>
        <textarea rows="10" class="code-text" spellcheck=${false} required value=${payment} onInput=${(e) => setPayment(e.target.value)}></textarea>
      </label>
      <label class="field"><span>${t("lab.signed")}</span>
        <textarea rows="3" class="code-text" spellcheck=${false} value=${signed} onInput=${(e) => setSigned(e.target.value)}></textarea>
      </label>
      <div class="ways">
        <button class="button main" type="submit" disabled=${busy || !session}>${t("lab.examine")}</button>
        ${last && html`<button class="button" type="button" onClick=${fill}>${t("lab.last")}</button>`}
      </div>
    </form>
    <div aria-live="polite">
      ${outcome.invalid && html`<p class="notice bad">${t("lab.notJson", { detail: outcome.invalid })}</p>`}
      ${outcome.problem && html`<${ProblemNotice} problem=${outcome.problem} t=${t} lang=${lang}>
        ${outcome.problem.members.errors?.map(({ path, message }) => html`<p key=${path}><code>${path}</code> ${message}</p>`)}
      <//>`}
      ${outcome.found && html`<${Finding} found=${outcome.found} t=${t} />`}
    </div>
  `;
}

async function examined(shop, text, signedString) {
  let payment;
  try {
    payment = JSON.parse(text);
  } catch (error) {
    return { invalid: error.message };
  }
  try {
    const body = { payment, ...(signedString && { signedString }) };
    return { found: await shop.request("POST", "/v1/demo/signing-lab", body) };
  } catch (problem) {
    return { problem };
  }
}

function Finding({ found, t }) {
  const { stringToSign, verifies, mistakes, difference } = found;
  return html`<section class="sheet">
    <p class=${`notice ${verifies ? "good" : "bad"}`}><b>${t(verifies ? "lab.good" : "lab.bad")}</b></p>
    ${!verifies && html`<h2>${t("lab.mistakes")}</h2>
      ${mistakes.length === 0 && html`<p>${t("lab.noMistake")}</p>`}
      <ul class="bulleted">${mistakes.map((code) => html`<li key=${code}>${t(`lab.mistake.${code}`)}</li>`)}</ul>`}
    ${difference && html`<h2>${t("lab.difference", { byte: difference.byte })}</h2>
      <dl class="compared">
        <dt>${t("lab.expected")}</dt><dd><code>${difference.expected}</code></dd>
        <dt>${t("lab.given")}</dt><dd><code>${difference.given}</code></dd>
      </dl>`}
    <h2>${t("lab.string")}</h2>
    <pre class="code-text" tabindex="0" data-test="lab-string">${stringToSign}</pre>
  </section>`;
}
