/** An amount of bells: its number in the reader's language, with the bell. */
import { html } from "../html.js";
import { formatNumber } from "../i18n.js";
import { Icon } from "./icon.js";

/** @param {{amount: number, lang: string, t: Function, sign?: boolean, class?: string}} props `sign` shows a plus, too */
export function Bells({ amount, lang, t, sign = false, class: kind = "" }) {
  const text = formatNumber(lang, Math.abs(amount));
  const mark = amount < 0 ? "−" : sign && amount > 0 ? "+" : "";
  return html`<span class=${`bells ${kind}`}>
    <${Icon} name="bell" />
    <span class="figure">${mark}${text}</span>
    <span class="aside">${` ${t("shell.bells")}`}</span>
  </span>`;
}

/** A price, with the list price struck through where it is higher. */
export function Price({ price, listPrice, lang, t, class: kind = "" }) {
  return html`<span class=${`price ${kind}`}>
    <${Bells} amount=${price} lang=${lang} t=${t} />
    ${listPrice > price && html` <s class="list-price"><span class="aside">${t("shell.listPrice")} </span>${formatNumber(lang, listPrice)}</s>`}
  </span>`;
}
