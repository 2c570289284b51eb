/** What became of an order: paid, with its books ready to open; or not paid, with what to do. */
import { html } from "../html.js";
import { formatTime } from "../i18n.js";
import { Bells } from "../ui/bells.js";
import { Cover } from "../ui/cover.js";
import { Guard } from "../ui/guard.js";
import { Icon } from "../ui/icon.js";
import { Loading, useLoad } from "../ui/loading.js";
import { ProblemNotice } from "../ui/notice.js";
import { readAddress } from "../ui/reading.js";
import { split } from "../ui/text.js";
import { refundedOf } from "./orders/refunds.js";

export const title = (t) => t("order.resultTitle");

export default function Result({ shop, params, query, t, lang }) {
  const { orderId } = params;
  const { data: order, problem, loading, again } = useLoad(() => shop.order(orderId), [orderId]);
  if (loading) return html`<${Loading} t=${t} />`;
  if (problem?.code === "not_found") return html`<${NotPaid} orderId=${orderId} t=${t} />`;
  if (problem) {
    return html`<div data-test="result-failure">
      <${ProblemNotice} problem=${problem} t=${t} lang=${lang}>
        <button class="button" onClick=${again}>${t("shell.again")}</button>
      <//>
    </div>`;
  }
  return html`<${Paid} order=${order} how=${query.get("how")} t=${t} lang=${lang} />`;
}

const NotPaid = ({ orderId, t }) =>
  html`<section class="notice bad" role="status" data-test="result-failure">
    <h1>${t("order.notPaid")}</h1>
    <p>${t("order.notPaidText")}</p>
    <div class="ways">
      <a class="button main" href=${`/order/${encodeURIComponent(orderId)}`}>${t("order.toOffer")}</a>
      <a class="button" href="/cart">${t("order.way.cart")}</a>
    </div>
  </section>`;

const TOLD = new Set(["resumed", "replayed"]);

function Paid({ order, how, t, lang }) {
  const { total, balance, discount, currency, paidAt, orderId, refunds } = order;
  const gone = refundedOf(order);
  const lines = order.lines.filter((line) => !gone.has(line.productId));
  const bells = { currency, lang, t };
  return html`<section class="paid" data-test="result-success">
    <div class="paid-head" role="status">
      <p class="paid-mark"><${Icon} name="check" /></p>
      <h1>${t("order.paid")}</h1>
      ${TOLD.has(how) && html`<p>${t(`order.${how}`)}</p>`}
    </div>
    <dl class="paid-facts">
      <div>
        <dt>${t("order.taken")}</dt>
        <dd><${Bells} amount=${total} ...${bells} class="grand" /></dd>
      </div>
      ${
        discount > 0 &&
        html`<div>
          <dt>${t("order.discount")}</dt>
          <dd class="saved"><${Bells} amount=${discount} ...${bells} /></dd>
        </div>`
      }
      <div>
        <dt>${t("order.balance")}</dt>
        <dd><${Bells} amount=${balance} ...${bells} /></dd>
      </div>
    </dl>
    ${
      refunds.length > 0 &&
      html`<p class="notice" data-test="refunded-since">
        ${`${t("order.refundedSince", { count: gone.size })} `}<a href=${`/orders/${orderId}`}>${t("order.receipt")}</a>
      </p>`
    }
    ${lines.length > 0 && html`<h2>${t("order.yours", { count: lines.length })}</h2>`}
    <ul class="opened">
      ${lines.map(
        (line) => html`<${Guard} key=${line.productId} of=${line} instead=${html`<li>${t("shell.notShown")}</li>`}>
          <${Book} ...${{ line, orderId, t }} />
        <//>`,
      )}
    </ul>
    <div class="ways">
      <a class="button" href="/library">${t("order.way.library")}</a>
      <a class="button" href=${`/orders/${orderId}`}>${t("order.receipt")}</a>
      <a class="button" href="/">${t("order.moreBooks")}</a>
    </div>
    <p class="small-print">${t("order.paidAt", { time: formatTime(lang, paidAt) })}</p>
  </section>`;
}

const Book = ({ line, orderId, t }) =>
  html`<li data-test="entitlement">
    <a href=${readAddress(line.productId, orderId)} data-product-id=${line.productId}>
      <${Cover} product=${line} />
      <span class="opened-title">${split(line.title)[0]}</span>
      <span class="opened-read">${t("order.read")}</span>
    </a>
  </li>`;
