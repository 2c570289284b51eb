/** Signing in: who, and how the payments of this session are to be signed. */
import { html, useState } from "../html.js";
import { safeNext } from "../login_address.js";
import { useAct } from "../ui/act.js";
import { ProblemNotice } from "../ui/notice.js";

export const title = (t) => t("account.login");

const DEMO = { custId: "demo", password: "demo-demo" };

export default function Login({ shop, query, navigate, t, lang, config }) {
  const [problem, setProblem] = useState(null);
  const [signType, setSignType] = useState(config.signTypes[0]);
  const [enter, busy] = useAct(async (proof) => {
    setProblem(null);
    try {
      await shop.login({ ...proof, signType });
      navigate(safeNext(query.get("next")), { replace: true });
    } catch (refusal) {
      setProblem(refusal);
    }
  });
  const submit = (event) => {
    event.preventDefault();
    const given = new FormData(event.target);
    enter({ custId: given.get("custId").trim(), password: given.get("password") });
  };
  return html`<section class="narrow">
    <h1>${t("account.login")}</h1>
    ${query.has("next") && !problem && html`<p class="muted">${t("account.comeBack")}</p>`}
    ${problem && html`<${ProblemNotice} problem=${said(problem)} t=${t} lang=${lang} />`}
    <form class="sheet form" data-test="login-form" onSubmit=${submit}>
      <label class="field"><span>${t("account.custId")}</span>
        <input type="text" name="custId" required maxlength="128" autocomplete="username" autocapitalize="none" spellcheck=${false} />
      </label>
      <label class="field"><span>${t("account.password")}</span>
        <input type="password" name="password" required maxlength="256" autocomplete="current-password" />
      </label>
      <${SignTypes} types=${config.signTypes} chosen=${signType} choose=${setSignType} t=${t} />
      <button class="button main" type="submit" disabled=${busy}>${t(busy ? "account.signingIn" : "account.login")}</button>
    </form>
    ${config.demo && html`<p class="center">
      <button class="button" data-test="enter-demo" disabled=${busy} onClick=${() => enter(DEMO)}>${t("account.enterDemo")}</button>
    </p>`}
  </section>`;
}

/** Nobody is signed in yet, so `unauthenticated` means here that the password is wrong. */
const said = (problem) => (problem.code === "unauthenticated" ? { ...problem, code: "wrong_password", members: {} } : problem);

function SignTypes({ types, chosen, choose, t }) {
  return html`<fieldset class="choices" data-test="sign-type">
    <legend>${t("account.signType")}</legend>
    ${types.map(
      (type) => html`<label key=${type}>
        <input type="radio" name="signType" value=${type} checked=${type === chosen} onChange=${() => choose(type)} />
        <span><b>${type}</b> <span class="muted">${t(`account.sign.${type}`)}</span></span>
      </label>`,
    )}
  </fieldset>`;
}
