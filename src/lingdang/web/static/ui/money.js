/** Real money: whole minor units of an ISO 4217 currency, as the reader's language writes them. */
import { TAGS } from "../i18n.js";
import { html } from "../html.js";

/** The digits behind the point of the currencies that do not have two, by ISO 4217; a browser may know others. */
const DIGITS = Object.fromEntries([
  ...["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"].map(
    (code) => [code, 0],
  ),
  ...["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"].map((code) => [code, 3]),
]);

/** `{amount: 600, currency: "CNY"}` as `¥6.00`. */
export function moneyText(lang, { amount, currency }) {
  const digits = DIGITS[currency] ?? 2;
  return new Intl.NumberFormat(TAGS[lang], {
    style: "currency",
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(amount / 10 ** digits);
}

/** A translator leaves figures alone: `translate="no"`. */
export const Money = ({ money, lang }) => html`<span class="money" translate="no">${moneyText(lang, money)}</span>`;

/** What so many bells of a free amount cost, rounded up in all, as the shop reckons. */
export const priceOf = ({ perBell }, bells) => ({
  amount: Number((BigInt(bells) * BigInt(perBell.amount) + BigInt(perBell.bells) - 1n) / BigInt(perBell.bells)),
  currency: perBell.currency,
});
