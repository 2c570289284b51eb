/** What was bought: every order, newest first; one of them (`orders/one.js`); and past orders (`orders/past.js`). */
import { html } from "../html.js";
import { formatTime } from "../i18n.js";
import { Bells } from "../ui/bells.js";
import { Guard } from "../ui/guard.js";
import { Icon } from "../ui/icon.js";
import { Growing, usePages } from "../ui/loading.js";
import { split } from "../ui/text.js";
import { One } from "./orders/one.js";
import { Past } from "./orders/past.js";
import { Status } from "./orders/refunds.js";

export const title = (t) => t("account.orders");

export default function Orders({ params, ...rest }) {
  return params.orderId ? html`<${One} orderId=${params.orderId} ...${rest} />` : html`<${All} ...${rest} />`;
}

function All({ shop, t, lang }) {
  const pages = usePages((cursor) => shop.orders({ limit: 20, cursor }), []);
  const past = usePages((cursor) => shop.pastOrders({ limit: 20, cursor }), []);
  const isNew = past.items.length === 0 && !past.loading;
  return html`
    <div class="page-head"><h1>${t("account.orders")}</h1></div>
    <${Growing} pages=${pages} t=${t} lang=${lang} empty=${isNew && html`<${Empty} t=${t} />`}>
      <ul class="rows sheet flush">
        ${pages.items.map(
          (order) => html`<${Guard} key=${order.orderId} of=${order} instead=${html`<li class="entry">${t("shell.notShown")}</li>`}>
            <${Row} order=${order} t=${t} lang=${lang} />
          <//>`,
        )}
      </ul>
    <//>
    ${!pages.problem && html`<${Past} pages=${past} t=${t} lang=${lang} />`}
  `;
}

const NAMED = 3;

const Row = ({ order, t, lang }) => html`<li class="entry" data-test="order-row">
  <a href=${`/orders/${order.orderId}`}>
    ${order.lines.slice(0, NAMED).map((line, place) => html`<bdi key=${line.productId}>${`${place > 0 ? " · " : ""}${split(line.title)[0]}`}</bdi>`)}
    ${order.lines.length > NAMED && html`<span>${" …"}</span>`}
  </a>
  <span class="small-print">${`${formatTime(lang, order.paidAt)} `}<${Status} status=${order.status} t=${t} /></span>
  <b><${Bells} amount=${order.total} currency=${order.currency} t=${t} lang=${lang} /></b>
</li>`;

const Empty = ({ t }) => html`<div class="empty">
  <${Icon} name="orders" />
  <p>${t("account.noOrders")}</p>
  <p><a class="button main" href="/">${t("shell.toBooks")}</a></p>
</div>`;
