/** What was bought: every order, newest first; and one of them with its lines, its vouchers and its sums. */
import { html, useState } from "../html.js";
import { formatTime } from "../i18n.js";
import { Bells } from "../ui/bells.js";
import { Guard } from "../ui/guard.js";
import { Icon } from "../ui/icon.js";
import { Growing, Loading, useLoad, usePages } from "../ui/loading.js";
import { ProblemNotice } from "../ui/notice.js";
import { split, text } from "../ui/text.js";

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
        ${pages.items.map(
          (order) => html`<${Guard} key=${order.orderId} of=${order} instead=${html`<li class="entry">${t("shell.notShown")}</li>`}>
            <${Row} order=${order} t=${t} lang=${lang} />
          <//>`,
        )}
      </ul>
    <//>
  `;
}

const NAMED = 3;

const Row = ({ order, t, lang }) => html`<li class="entry" data-test="order-row">
  <a href=${`/orders/${order.orderId}`}>
    ${order.lines.slice(0, NAMED).map((line, place) => html`<bdi key=${line.productId}>${`${place > 0 ? " · " : ""}${split(line.title)[0]}`}</bdi>`)}
    ${order.lines.length > NAMED && html`<span>${" …"}</span>`}
  </a>
  <span class="small-print">${formatTime(lang, order.paidAt)}</span>
  <b><${Bells} amount=${order.total} currency=${order.currency} t=${t} lang=${lang} /></b>
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
  const amount = (value) => html`<${Bells} amount=${value} currency=${order.currency} t=${t} lang=${lang} />`;
  return html`
    <div class="page-head">
      <h1>${t("account.order")}</h1>
      <p class="small-print">${`${formatTime(lang, order.paidAt)} · `}<span translate="no">${order.orderId}</span></p>
    </div>
    <div class="sheet">
      <div class="scrolled" tabindex="0" role="region" aria-label=${t("account.lines")}>
        <table class="figures">
          <thead>
            <tr>${["book", "price", "discount", "payable"].map((name) => html`<th scope="col" key=${name}>${t(`account.${name}`)}</th>`)}</tr>
          </thead>
          <tbody>
            ${order.lines.map(
              (line) => html`<${Guard} key=${line.productId} of=${line} instead=${html`<tr><td colspan="4">${t("shell.notShown")}</td></tr>`}>
                <${Line} ...${{ line, amount, t }} />
              <//>`,
            )}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">${t("account.sum")}</th>
              <td data-label=${t("account.price")}>${amount(order.subtotal)}</td>
              <td data-label=${t("account.discount")}>${amount(-order.discount)}</td>
              <td data-label=${t("account.payable")}><b>${amount(order.total)}</b></td>
            </tr>
          </tfoot>
        </table>
      </div>
      ${order.vouchers.length > 0 && html`<p>${t("account.vouchersUsed", { count: order.vouchers.length })}</p>`}
      <p>${t("account.balanceAfter")} ${amount(order.balance)}</p>
      ${order.refunds.map(
        (refund) => html`<p key=${refund.refundId} data-test="refund">
          ${`${formatTime(lang, refund.refundedAt)} · ${t(`account.reason.${refund.reason}`)} · ${t("account.refunded", { count: refund.lines.length })} `}
          <b>${amount(refund.refunded)}</b>
        </p>`,
      )}
    </div>
    <${GiveBack} ...${{ shop, order, amount, t, lang, again }} />
    <p class="ways"><a class="button" href="/orders">${t("account.orders")}</a><a class="button" href="/library">${t("shell.library")}</a></p>
  `;
}

/** A customer's own refund, where the shop allows it: first what would come back, then the button. */
function GiveBack({ shop, order, amount, t, lang, again }) {
  const { data: told } = useLoad(() => shop.refundable(order.orderId), [order.orderId, order.refunds.length]);
  const [refundId] = useState(() => crypto.randomUUID());
  const [problem, setProblem] = useState(null);
  if (!told?.refundable) return null;
  const lapses = told.amount - told.lots.reduce((sum, lot) => sum + lot.amount, 0);
  const giveBack = () => shop.refund(order.orderId, refundId).then(again, setProblem);
  return html`<div class="sheet" data-test="give-back">
    <p>${t("account.wouldComeBack")} <b>${amount(told.amount - lapses)}</b></p>
    ${lapses > 0 && html`<p>${t("account.wouldLapse")} <b>${amount(lapses)}</b></p>`}
    ${problem && html`<${ProblemNotice} problem=${problem} t=${t} lang=${lang} />`}
    <button class="button" onClick=${giveBack}>${t("account.giveBack")}</button>
  </div>`;
}

const Line = ({ line, amount, t }) => html`<tr>
  <th scope="row"><a href=${`/read/${encodeURIComponent(line.productId)}`}>${text(line.title)}</a></th>
  <td data-label=${t("account.price")}>${amount(line.price)}</td>
  <td data-label=${t("account.discount")}>${line.discount > 0 && amount(-line.discount)}</td>
  <td data-label=${t("account.payable")}>${amount(line.payable)}</td>
</tr>`;
