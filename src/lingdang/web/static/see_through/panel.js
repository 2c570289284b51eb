/** See-through (demo only): each of the six steps as it happens: request, signed string, signature, answer. It is folded until somebody wants it. */
import { html, useEffect, useState } from "../html.js";
import { loadTexts, translator } from "../i18n.js";
import { clear, follow, watch } from "./steps.js";

export default function Panel({ shop, lang }) {
  const [steps, setSteps] = useState([]);
  const [spoken, setSpoken] = useState(null);
  useEffect(() => {
    follow(shop);
    return watch(setSteps);
  }, [shop]);
  useEffect(() => void loadTexts(lang, ["see_through"]).then(() => setSpoken(lang)), [lang]);
  if (!spoken) return null;
  const t = translator(spoken);
  return html`<aside class="see-through" data-test="see-through" aria-label=${t("see.title")}>
    <details>
      <summary>${t("see.title")} <span class="badge">${steps.length}</span></summary>
      <div class="see-steps" tabindex="0" role="region" aria-label=${t("see.steps")}>
        ${steps.length === 0 && html`<p class="muted">${t("see.none")}</p>`}
        <ol>${steps.map((step, place) => html`<${Step} key=${place} step=${step} t=${t} />`)}</ol>
      </div>
      ${steps.length > 0 && html`<button class="button small" onClick=${clear}>${t("see.clear")}</button>`}
    </details>
  </aside>`;
}

function Step({ step, t }) {
  const { request, signedString, sign, answer, problem } = step;
  return html`<li class="see-step" data-step=${step.step}>
    <h3>${t(`see.step.${step.step}`)}</h3>
    ${step.step === 3 && html`<p>${t("see.kept")}</p>`}
    ${request && html`<${Part} name=${t("see.request")} text=${requestText(request)} />`}
    ${signedString && html`<${Part} open name=${t("see.signed")} text=${signedString} />`}
    ${sign && html`<${Part} open name=${t("see.sign")} text=${sign} />`}
    ${answer && html`<${Part} name=${t("see.answer")} text=${answerText(answer)} />`}
    ${problem && html`<${Part} name=${t("see.problem")} text=${`${problem.status} ${problem.code}`} />`}
  </li>`;
}

const Part = ({ name, text, open = false }) => html`<details open=${open}><summary>${name}</summary><pre tabindex="0">${text}</pre></details>`;

function requestText({ method, path, headers, body }) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${path}`, ...lines, "", JSON.stringify(body, null, 2)].join("\n");
}

const answerText = ({ status, body }) => `${status || ""}\n${JSON.stringify(body, null, 2)}`.trim();
