/** What of an order was refunded, in words. Of what was refunded some may have lapsed: that did not come back. */
import { html } from "../../html.js";
import { formatNumber, formatTime } from "../../i18n.js";
import { Bells, amountText } from "../../ui/bells.js";
import { byDebt } from "../../ui/debt.js";
import { ProblemNotice } from "../../ui/notice.js";
import { text } from "../../ui/text.js";

/** The ids of an order's refunded products. */
export const refundedOf = (order) =>
  new Set(order.refunds.flatMap((refund) => refund.lines.map((line) => line.productId)));

/** How much of what is refunded lapses at once: it is in no lot. */
export const lapsedOf = (amount, lots) => amount - lots.reduce((sum, lot) => sum + lot.amount, 0);

/** A mark for an order that was refunded, whole or in part. */
export const Status = ({ status, t }) =>
  status === "refunded" || status === "partly_refunded"
    ? html`<span class="tag" data-test="status">${t(`refund.status.${status}`)}</span>`
    : null;

/** Every refund of the order. An operator's and a customer's may have the same id. */
export function Refunds({ order, t, lang }) {
  if (order.refunds.length === 0) return null;
  return html`<section class="sheet" aria-labelledby="refunds">
    <h2 id="refunds">${t("refund.refunds")}</h2>
    <ul class="rows">
      ${order.refunds.map((refund, place) => html`<${Refund} key=${place} ...${{ refund, currency: order.currency, t, lang }} />`)}
    </ul>
  </section>`;
}

function Refund({ refund, currency, t, lang }) {
  const { refunded, lapsed, lines, reason, refundedAt } = refund;
  return html`<li class="refund" data-test="refund">
    <span>
      ${`${t("refund.books", { count: lines.length })} · ${t(`refund.reason.${reason}`)}`}
      <span class="small-print">${formatTime(lang, refundedAt)}</span>
      ${lapsed > 0 && html`<span class="small-print">${t("refund.hadLapsed", { amount: amountText(t, lang, lapsed, currency) })}</span>`}
    </span>
    <b><${Bells} amount=${refunded - lapsed} ...${{ currency, t, lang }} /></b>
  </li>`;
}

/** What became of the customer's own refund: what came back, and what did not. */
export function Result({ result, t, lang }) {
  const { refunded, lots, currency, vouchers, balance, lines, debtPaid = 0 } = result;
  const lapsed = lapsedOf(refunded, lots);
  const said = (amount) => amountText(t, lang, amount, currency);
  return html`<section class="notice good" data-test="refund-result">
    <h2>${t("refund.done", { count: lines.length })}</h2>
    <p>${t(cameBack(refunded - lapsed, debtPaid), { amount: said(refunded - lapsed), debt: formatNumber(lang, debtPaid) })}</p>
    ${lapsed > 0 && html`<p>${t("refund.hadLapsed", { amount: said(lapsed) })}</p>`}
    ${vouchers.length > 0 && html`<p>${t("refund.vouchersCameBack", { count: vouchers.length })}</p>`}
    <p>${`${t("refund.balanceNow")} `}<b><${Bells} amount=${balance} ...${{ currency, t, lang }} /></b></p>
  </section>`;
}

/** Bells that pay a debt come back, but not into the wallet. */
function cameBack(amount, debtPaid) {
  if (amount === 0) return "refund.noneCameBack";
  return byDebt(debtPaid, amount, ["refund.cameBack", "refund.paidDebt", "refund.paidDebtAlone"]);
}

/** Why it was not done; the reasons by book, each in words. */
export function Refused({ problem, order, t, lang }) {
  const { reasons = {}, productIds = [] } = problem.members ?? {};
  const why = { ...Object.fromEntries(productIds.map((productId) => [productId, "already_refunded"])), ...reasons };
  const titleOf = (productId) => text(order?.lines.find((line) => line.productId === productId)?.title);
  const listed = html`<ul class="named">
    ${Object.entries(why).map(
      ([of, reason]) => html`<li key=${of}>${of !== "order" && html`<b>${`${titleOf(of)} `}</b>`}${t(`refund.why.${reason}`)}</li>`,
    )}
  </ul>`;
  const details = Object.keys(why).length > 0 && listed;
  return html`<${ProblemNotice} problem=${problem} about="refund" ...${{ t, lang, details }} />`;
}
