/** One order: its lines, its vouchers and its sums, what of it was refunded, and what the customer may still refund. */
import { html, useEffect, useRef, useState } from "../../html.js";
import { formatTime } from "../../i18n.js";
import { Bells } from "../../ui/bells.js";
import { Guard } from "../../ui/guard.js";
import { Loading, useLoad } from "../../ui/loading.js";
import { ProblemNotice } from "../../ui/notice.js";
import { productAddress } from "../../ui/product_address.js";
import { readAddress } from "../../ui/reading.js";
import { text } from "../../ui/text.js";
import { OwnRefund } from "./own_refund.js";
import { Refunds, Refused, Result, Status, refundedOf } from "./refunds.js";

export function One({ shop, orderId, t, lang, config }) {
  const { data: order, problem, again } = useLoad(() => shop.order(orderId), [orderId]);
  const [told, tell] = useState(null);
  const amount = (value, currency) => html`<${Bells} amount=${value} currency=${currency} t=${t} lang=${lang} />`;
  return html`
    ${order ? html`<${Head} ...${{ order, t, lang }} />` : html`<h1 class="aside">${t("account.order")}</h1>`}
    <${Told} of=${told}>
      ${told?.result && html`<${Result} result=${told.result} ...${{ t, lang }} />`}
      ${told?.problem && html`<${Refused} problem=${told.problem} ...${{ order, t, lang }} />`}
    <//>
    ${
      problem &&
      html`<${ProblemNotice} problem=${problem} t=${t} lang=${lang}>
        <button class="button" onClick=${again}>${t("shell.again")}</button>
        <a class="button" href="/orders">${t("account.orders")}</a>
      <//>`
    }
    ${!order && !problem && html`<${Loading} t=${t} />`}
    ${
      order &&
      html`<${Bought} ...${{ order, amount: (value) => amount(value, order.currency), t }} />
        <${Refunds} ...${{ order, t, lang }} />
        <${OwnRefund} ...${{ shop, order, told, tell, again, config, t, lang }} />
        <p class="ways">
          <a class="button" href="/orders">${t("account.orders")}</a><a class="button" href="/library">${t("shell.library")}</a>
        </p>`
    }
  `;
}

/** What has just become of a refund: announced, in sight, and with the focus, for the button that was pressed is gone. */
function Told({ of, children }) {
  const place = useRef(null);
  useEffect(() => {
    if (of) place.current.focus();
  }, [of]);
  return html`<div class="told" role="status" tabindex="-1" ref=${place}>${children}</div>`;
}

const Head = ({ order, t, lang }) => html`<div class="page-head">
  <h1>${`${t("account.order")} `}<${Status} status=${order.status} t=${t} /></h1>
  <p class="small-print">${`${formatTime(lang, order.paidAt)} · `}<span translate="no">${order.orderId}</span></p>
</div>`;

function Bought({ order, amount, t }) {
  const gone = refundedOf(order);
  return html`<div class="sheet">
    <div class="figured">
      <table class="figures" aria-label=${t("account.lines")}>
        <thead>
          <tr>${["book", "price", "discount", "payable"].map((name) => html`<th scope="col" key=${name}>${t(`account.${name}`)}</th>`)}</tr>
        </thead>
        <tbody>
          ${order.lines.map(
            (line) => html`<${Guard} key=${line.productId} of=${line} instead=${html`<tr><td colspan="4">${t("shell.notShown")}</td></tr>`}>
              <${Line} ...${{ line, order, isGone: gone.has(line.productId), amount, t }} />
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
  </div>`;
}

/** A refunded book is not read by this order any more: its link leads to where it can be bought. */
const Line = ({ line, order, isGone, amount, t }) => html`<tr data-test="line">
  <th scope="row">
    ${
      isGone
        ? html`<a href=${productAddress(line.productId)}>${text(line.title)}</a>${" "}<span class="tag">${t("refund.status.refunded")}</span>`
        : html`<a href=${readAddress(line.productId, order.orderId)}>${text(line.title)}</a>`
    }
  </th>
  <td data-label=${t("account.price")}>${amount(line.price)}</td>
  <td data-label=${t("account.discount")}>${line.discount > 0 && amount(-line.discount)}</td>
  <td data-label=${t("account.payable")}>${amount(line.payable)}</td>
</tr>`;
