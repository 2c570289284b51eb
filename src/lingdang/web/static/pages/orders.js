/** What was bought: every order, newest first; and one of them with its lines, its vouchers and its sums. */
import { html } from "../html.js";
import { formatTime } from "../i18n.js";
import { Bells } from "../ui/bells.js";
import { split } from "../ui/cover.js";
import { Icon } from "../ui/icon.js";
import { Growing, Loading, useLoad, usePages } from "../ui/loading.js";
import { ProblemNotice } from "../ui/notice.js";

export const title = (t) => t("account.orders");

export default function Orders({ params, ...rest }) {
  return params.orderId ? html`<${One} orderId=${params.orderId} ...${rest} />` : html`<${All} ...${rest} />`;
}

function All({ shop, t, lang }) {
  const pages = usePages((cursor) => shop.orders({ limit: 20, cursor }), []);
  return html`
    <div class="page-head"><h1>${t("account.orders")}</h1></div>
    <${Growing} pages=${pages} t=${t} lang=${lang} empty=${html`<${Empty} t=${t} />`}>
      <ul class="rows sheet flush">
        ${pages.items.map((order) => html`<${Row} key=${order.orderId} order=${order} t=${t} lang=${lang} />`)}
      </ul>
    <//>
  `;
}

const Row = ({ order, t, lang }) => html`<li class="entry" data-test="order-row">
  <a href=${`/orders/${order.orderId}`}>
    ${order.lines.map((line) => split(line.title)[0]).slice(0, 3).join(" · ")}${order.lines.length > 3 ? " …" : ""}
  </a>
  <span class="small-print">${formatTime(lang, order.paidAt)}</span>
  <b><${Bells} amount=${order.total} t=${t} lang=${lang} /></b>
</li>`;

const Empty = ({ t }) => html`<div class="empty">
  <${Icon} name="orders" />
  <p>${t("account.noOrders")}</p>
  <p><a class="button main" href="/">${t("shell.toBooks")}</a></p>
</div>`;

function One({ shop, orderId, t, lang }) {
  const { data: order, problem, again } = useLoad(() => shop.order(orderId), [orderId]);
  if (problem) {
    return html`<h1 class="aside">${t("account.order")}</h1>
      <${ProblemNotice} problem=${problem} t=${t} lang=${lang}>
        <button class="button" onClick=${again}>${t("shell.again")}</button>
        <a class="button" href="/orders">${t("account.orders")}</a>
      <//>`;
  }
  if (!order) return html`<${Loading} t=${t} />`;
  return html`
    <div class="page-head">
      <h1>${t("account.order")}</h1>
      <p class="small-print">${formatTime(lang, order.paidAt)} · ${order.orderId}</p>
    </div>
    <div class="sheet">
      <div class="scrolled" tabindex="0" role="region" aria-label=${t("account.lines")}>
        <table class="figures">
          <thead>
            <tr>${["book", "price", "discount", "payable"].map((name) => html`<th scope="col" key=${name}>${t(`account.${name}`)}</th>`)}</tr>
          </thead>
          <tbody>
            ${order.lines.map((line) => html`<${Line} key=${line.productId} line=${line} t=${t} lang=${lang} />`)}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">${t("account.sum")}</th>
              <td><${Bells} amount=${order.subtotal} t=${t} lang=${lang} /></td>
              <td><${Bells} amount=${-order.discount} t=${t} lang=${lang} /></td>
              <td><b><${Bells} amount=${order.total} t=${t} lang=${lang} /></b></td>
            </tr>
          </tfoot>
        </table>
      </div>
      ${order.vouchers.length > 0 && html`<p>${t("account.vouchersUsed", { count: order.vouchers.length })}</p>`}
      <p>${t("account.balanceAfter")} <${Bells} amount=${order.balance} t=${t} lang=${lang} /></p>
    </div>
    <p class="ways"><a class="button" href="/orders">${t("account.orders")}</a><a class="button" href="/library">${t("shell.library")}</a></p>
  `;
}

const Line = ({ line, t, lang }) => html`<tr>
  <th scope="row"><a href=${`/read/${encodeURIComponent(line.productId)}`}>${line.title}</a></th>
  <td><${Bells} amount=${line.price} t=${t} lang=${lang} /></td>
  <td>${line.discount > 0 && html`<${Bells} amount=${-line.discount} t=${t} lang=${lang} />`}</td>
  <td><${Bells} amount=${line.payable} t=${t} lang=${lang} /></td>
</tr>`;
