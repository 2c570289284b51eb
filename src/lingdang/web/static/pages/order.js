/** The order page (图2): what is bought, with which vouchers, for how many bells, until when; and the confirmation. */
import { html } from "../html.js";
import { Loading } from "../ui/loading.js";
import { useClock } from "./order/clock.js";
import { Lines } from "./order/lines.js";
import { Refusal } from "./order/refusal.js";
import { Summary } from "./order/summary.js";
import { useOrder } from "./order/use_order.js";
import { Vouchers } from "./order/vouchers.js";

export const title = (t) => t("order.title");

export default function OrderPage({ shop, params, navigate, t, lang, config }) {
  const order = useOrder({ shop, orderId: params.orderId, navigate });
  const clock = useClock(shop, order.offer);
  if (order.phase === "loading") return html`<${Loading} t=${t} />`;
  const { offer, problem, note, busy } = order;
  const expired = clock.left === 0;
  const sells = config.topups;
  return html`
    <div class="page-head"><h1>${t("order.title")}</h1></div>
    ${problem && html`<${Refusal} ...${{ problem, order, sells, t, lang }} />`}
    ${!problem && expired && !busy && html`<${Refusal} problem=${{ code: "token_expired" }} ...${{ order, sells, t, lang }} />`}
    ${note && html`<p class="notice" role="status">${t(note)}</p>`}
    ${
      offer &&
      html`<div class="order">
        <div>
          <${Lines} lines=${offer.lines} currency=${offer.currency} t=${t} lang=${lang} />
          <${Vouchers} ...${{ order, t, lang }} />
        </div>
        <${Summary} ...${{ order, clock, sells, t, lang }} />
      </div>`
    }
  `;
}
