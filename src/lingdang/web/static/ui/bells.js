/** An amount with its currency: bells have a drawing, other currencies are named by their code. */
import { html } from "../html.js";
import { formatNumber } from "../i18n.js";
import { Icon } from "./icon.js";
import { text } from "./text.js";

const BELL = "BELL";
/** Characters from which on a figure is set smaller where it would be large. */
const LONG = 12;

/** A currency's name, as the reader says it: a code has 16 characters at most. */
export const currencyName = (t, currency) => (currency === BELL ? t("shell.bells") : text(currency).slice(0, 16));

/** An amount for a sentence: `93 GEM`. */
export const amountText = (t, lang, amount, currency) => `${formatNumber(lang, amount)} ${currencyName(t, currency)}`;

/**
 * A translator leaves figures alone: `translate="no"`.
 * @param {{amount: number, currency: string, lang: string, t: Function, sign?: boolean, class?: string}} props `sign`
 *   shows a plus, too
 */
export function Bells({ amount, currency, lang, t, sign = false, class: kind = "" }) {
  const mark = amount < 0 ? "−" : sign && amount > 0 ? "+" : "";
  const figure = mark + formatNumber(lang, Math.abs(amount));
  return html`<span class=${`bells ${kind} ${figure.length > LONG ? "long" : ""}`} translate="no" data-currency=${currency}>
    ${currency === BELL && html`<${Icon} name="bell" />`}
    <span class="figure">${figure}</span>
    <span class=${currency === BELL ? "aside" : "currency"}>${` ${currencyName(t, currency)}`}</span>
  </span>`;
}

/** A price, with the list price struck through where it is higher. */
export function Price({ price, listPrice, currency, lang, t, class: kind = "" }) {
  return html`<span class=${`price ${kind}`}>
    <${Bells} ...${{ amount: price, currency, lang, t }} />
    ${
      listPrice > price &&
      html`<s class="list-price" translate="no"><span class="aside">${`${t("shell.listPrice")} `}</span>${formatNumber(lang, listPrice)}</s>`
    }
  </span>`;
}
