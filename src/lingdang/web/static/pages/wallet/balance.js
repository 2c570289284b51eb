import { html } from "../../html.js";
import { formatTime } from "../../i18n.js";
import { Bells, amountText } from "../../ui/bells.js";

/** What is in the wallet in one currency; what is frozen or owed only where there is any. */
export function Balance({ balance, t, lang }) {
  const { currency, balance: whole, paid, bonus, expiring, frozen, debt } = balance;
  const said = (amount) => amountText(t, lang, amount, currency);
  return html`<section class="sheet balance" data-currency=${currency}>
    <p class="grand" data-test="wallet-balance"><${Bells} amount=${whole} ...${{ currency, t, lang }} /></p>
    <p class="muted">${t("account.paidAndBonus", { paid: said(paid), bonus: said(bonus) })}</p>
    ${frozen > 0 && html`<p class="reason" data-test="wallet-frozen">${t("account.frozen", { amount: said(frozen) })}</p>`}
    ${debt > 0 && html`<p class="reason" data-test="wallet-debt">${t("account.debt", { amount: said(debt) })}</p>`}
    ${expiring.length > 0 && html`<ul>
      ${expiring.map(
        ({ amount, expiresAt }) => html`<li key=${expiresAt} class="small-print">
          ${t("account.expiring", { amount: said(amount), time: formatTime(lang, expiresAt) })}
        </li>`,
      )}
    </ul>`}
  </section>`;
}
