import { html, useState } from "../../html.js";
import { useAct } from "../../ui/act.js";
import { amountText } from "../../ui/bells.js";
import { explain } from "../../ui/notice.js";

/** A gift code of bells; `renew` has the wallet read anew. */
export function Redeem({ shop, renew, t, lang }) {
  const [code, setCode] = useState("");
  const [told, tell] = useState(null);
  const [redeem, busy] = useAct(async () => {
    tell(null);
    try {
      const { amount, currency } = await shop.redeem(code.trim());
      tell({ good: t("account.redeemed", { amount: amountText(t, lang, amount, currency) }) });
      setCode("");
      renew();
    } catch (problem) {
      tell({ bad: sentence(problem, t, lang) });
    }
  });
  const submit = (event) => {
    event.preventDefault();
    if (code.trim()) redeem();
  };
  return html`<form class="sheet code" data-test="redeem" onSubmit=${submit}>
    <label class="field" for="gift-code"><span>${t("account.giftCode")}</span></label>
    <div class="code-row">
      <input
        id="gift-code"
        type="text"
        maxlength="64"
        autocomplete="off"
        autocapitalize="characters"
        spellcheck=${false}
        value=${code}
        aria-describedby="gift-told"
        onInput=${(event) => setCode(event.currentTarget.value)}
      />
      <button class="button" disabled=${busy}>${t("account.redeem")}</button>
    </div>
    <p id="gift-told" class=${told?.good ? "saved" : "reason"} role="status" data-test="gift-told">${told && (told.good ?? told.bad)}</p>
  </form>`;
}

/** The shop's own reason where it gives one, in the reader's language. */
function sentence(problem, t, lang) {
  const reasons = Object.values(problem.members?.reasons ?? {}).map((reason) => reason[lang] ?? reason.code);
  const { heading, advice } = explain(problem, t, lang);
  return reasons.length > 0 ? reasons.join(" ") : `${heading} ${advice}`;
}
