/** What is chosen and what it costs, with the way onwards; it stays in sight at the foot of the screen. */
import { html } from "../html.js";
import { Bells } from "./bells.js";
import { MOST } from "./chosen.js";

const NOTHING = { currency: "BELL", count: 0, total: 0, left: 0 };

/**
 * @param {{orders: object[], busy?: boolean, t: Function, lang: string, way?: (order: object) => any, children?: any}}
 *   props `orders` are those of `chosen`; `way` is the way onwards of each, `children` the one of all
 */
export function CheckoutBar({ orders, busy = false, t, lang, way, children }) {
  const shown = orders.length > 0 ? orders : [NOTHING];
  return html`<div class="checkout-bar">
    <div class="checkout-orders">
      ${orders.length > 1 && html`<p class="small-print">${t("shell.byCurrency")}</p>`}
      ${orders.some(({ left }) => left > 0) && html`<p class="small-print">${t("shell.most", { most: MOST })}</p>`}
      ${shown.map(
        (order) => html`<div class="checkout-order" key=${order.currency}>
          <p class="running" aria-live="polite" aria-busy=${busy}>
            <span class="muted">${counted(order, t)}</span>
            <span data-test="running-total">
              <${Bells} amount=${order.total} currency=${order.currency} lang=${lang} t=${t} class="grand" />
            </span>
          </p>
          ${way?.(order)}
        </div>`,
      )}
    </div>
    ${children}
  </div>`;
}

const counted = ({ count, left }, t) =>
  left > 0 ? t("shell.firstOf", { count, all: count + left }) : t("shell.chosen", { count });
