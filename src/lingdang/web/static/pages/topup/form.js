import { html, useRef, useState } from "../../html.js";
import { useAct } from "../../ui/act.js";
import { Bells } from "../../ui/bells.js";
import { Money, moneyText } from "../../ui/money.js";
import { ProblemNotice } from "../../ui/notice.js";
import { Package } from "./package.js";
import { providerName } from "./providers.js";
import { first, moneyOf, termsOf, typed } from "./wish.js";

/** With these the shop says that it sells something else than is shown. */
const STALE = new Set(["terms_changed", "topup_unavailable", "invalid_request", "not_found"]);

/** How many bells, at which provider; one button begins the top-up, once however often it is clicked. */
export function Form({ shop, packages, missing, orderId, navigate, again, t, lang }) {
  const [choice, setChoice] = useState(() => first(packages, missing));
  const [problem, setProblem] = useState(null);
  const keyOf = useKey();
  const change = (part) => setChoice((before) => ({ ...before, ...part }));
  const chosen = packages.find(({ packageId }) => packageId === choice.packageId) ?? packages[0];
  const provider = chosen.providers.find((one) => one.provider === choice.provider) ?? chosen.providers[0];
  const amount = typed(choice.amount);
  const money = moneyOf(chosen, amount);

  const [begin, busy] = useAct(async () => {
    setProblem(null);
    const back = orderId ? `?order=${encodeURIComponent(orderId)}` : "";
    const asked = {
      packageId: chosen.packageId,
      provider: provider.provider,
      channel: "web",
      ...(chosen.perBell ? { amount } : {}),
      terms: termsOf(chosen, amount),
      returnUrl: `/topup/{topupId}${back}`,
    };
    try {
      const { topupId, action } = await shop.topUp(asked, keyOf(asked));
      keyOf(null);
      navigate(`/topup/${topupId}${back}`, { replace: true });
      if (action.kind === "redirect") location.assign(action.url);
    } catch (refusal) {
      if (refusal.code !== "connection_lost") keyOf(null);
      setProblem(refusal);
      if (STALE.has(refusal.code)) again();
    }
  });
  const submit = (event) => {
    event.preventDefault();
    if (money) begin();
  };

  return html`<form class="form" onSubmit=${submit}>
    <fieldset class="choices packages">
      <legend>${t("topup.howMany")}</legend>
      ${packages.map((one) => html`<${Package} key=${one.packageId} ...${{ one, choice, change, chosen, t, lang }} />`)}
    </fieldset>
    ${
      chosen.providers.length > 1 &&
      html`<fieldset class="choices">
        <legend>${t("topup.payWith")}</legend>
        ${chosen.providers.map(
          (one) => html`<label key=${one.provider}>
            <input
              type="radio"
              name="provider"
              value=${one.provider}
              checked=${one === provider}
              onChange=${() => change({ provider: one.provider })}
            />
            <span>${providerName(t, one, chosen.providers)}</span>
          </label>`,
        )}
      </fieldset>`
    }
    ${problem && html`<${ProblemNotice} ...${{ problem, t, lang }} about=${isUsedUp(problem) ? "topup.usedUp" : ""} details=${details(problem, t, lang)} />`}
    <button class="button main wide" data-test="topup-begin" disabled=${busy || !money}>
      ${busy ? t("topup.beginning") : money ? t("topup.pay", { money: moneyText(lang, money) }) : t("topup.payNothing")}
    </button>
    <p class="small-print">
      ${chosen.providers.length > 1 ? t("topup.leads") : t("topup.leadsTo", { provider: providerName(t, provider, []) })}
    </p>
  </form>`;
}

/** Whether nothing more can be topped up today, however little. */
const isUsedUp = ({ code, members }) => code === "topup_limit" && members.left === 0;

/** The figures of why nothing was begun: what is sold by now, or how much may still be topped up today. */
function details({ code, members }, t, lang) {
  if (code === "topup_limit") {
    const { left, limit, currency } = members;
    const said = (amount) => moneyText(lang, { amount, currency });
    return html`<p data-test="topup-left">${t(left > 0 ? "topup.left" : "topup.noneLeft", { left: said(left), limit: said(limit) })}</p>`;
  }
  return members?.terms ? now(members.terms, t, lang) : null;
}

function now({ currency, paid, bonus, price }, t, lang) {
  return html`<p data-test="topup-now">
    ${`${t("topup.now")} `}<b><${Bells} amount=${paid + bonus} ...${{ currency, t, lang }} /></b>${" · "}<b
      ><${Money} money=${price} lang=${lang}
    /></b>
  </p>`;
}

/**
 * The key of a wish: the same until it was answered, so that an answer that was lost begins nothing twice.
 * `keyOf(null)` ends it.
 */
function useKey() {
  const kept = useRef({});
  return (asked) => {
    const wish = asked && JSON.stringify(asked);
    if (wish !== kept.current.wish) kept.current = { wish, key: crypto.randomUUID() };
    return kept.current.key;
  };
}
