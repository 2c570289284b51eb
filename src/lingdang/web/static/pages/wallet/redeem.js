import { html, useState } from "../../html.js";
import { formatNumber } from "../../i18n.js";
import { useAct } from "../../ui/act.js";
import { amountText } from "../../ui/bells.js";
import { CodeForm } from "../../ui/code_form.js";
import { byDebt } from "../../ui/debt.js";
import { explain, reasonsOf } from "../../ui/notice.js";

/** A gift code of bells; `renew` has the wallet read anew. */
export function Redeem({ shop, renew, t, lang }) {
  const [told, tell] = useState({ good: false, text: null });
  const [redeem, busy] = useAct(async (code) => {
    tell({ good: false, text: null });
    try {
      const { amount, currency, debtPaid = 0 } = await shop.redeem(code);
      const key = byDebt(debtPaid, amount, ["account.redeemed", "account.redeemedDebt", "account.redeemedDebtAlone"]);
      tell({ good: true, text: t(key, { amount: amountText(t, lang, amount, currency), debt: formatNumber(lang, debtPaid) }) });
      renew();
      return true;
    } catch (problem) {
      const { heading, advice } = explain(problem, t, lang);
      tell({ good: false, text: reasonsOf(problem, lang) || `${heading} ${advice}` });
      return false;
    }
  });
  return html`<${CodeForm}
    id="gift-code"
    label=${t("account.giftCode")}
    button=${t("account.redeem")}
    use=${redeem}
    busy=${busy}
    told=${told.text}
    good=${told.good}
    class="sheet"
    test="redeem"
  />`;
}
