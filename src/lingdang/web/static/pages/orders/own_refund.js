/** A customer's own refund, where the shop offers it: choose, see what comes back and what is lost, confirm. */
import { html, useEffect, useRef, useState } from "../../html.js";
import { formatTime } from "../../i18n.js";
import { Bells, amountText } from "../../ui/bells.js";
import { ProblemNotice } from "../../ui/notice.js";
import { text } from "../../ui/text.js";
import { Refused, lapsedOf } from "./refunds.js";
import { useRefund } from "./use_refund.js";

const DAY_MS = 24 * 3600 * 1000;
/** Titles that a confirmation names. */
const NAMED = 5;

export function OwnRefund(props) {
  const { order, config } = props;
  return config.refundDays > 0 && order.status !== "refunded" ? html`<${Offered} ...${props} />` : null;
}

function Offered({ shop, order, told, tell, again, config, t, lang }) {
  const refund = useRefund({ shop, order, tell, again });
  const place = useFocusAfter(refund.confirming ? "confirming" : "choosing", !told);
  const said = { order, refund, t, lang };
  const untilWhen = formatTime(lang, Date.parse(order.paidAt) + config.refundDays * DAY_MS);
  return html`<section class="sheet" tabindex="-1" ref=${place} aria-labelledby="own-refund" data-test="own-refund">
    <h2 id="own-refund">
      ${refund.confirming ? t("refund.sure", { count: refund.confirming.productIds.length }) : t("refund.own")}
    </h2>
    ${refund.refused && html`<${Refused} problem=${refund.refused} ...${said} />`}
    ${refund.confirming ? html`<${Confirm} ...${said} />` : html`<${Choose} ...${said} untilWhen=${untilWhen} />`}
  </section>`;
}

/** Each step takes the focus, for the button that led to it is gone; not where what became of it is told instead. */
function useFocusAfter(step, isWanted) {
  const place = useRef(null);
  const before = useRef(step);
  useEffect(() => {
    if (before.current !== step && isWanted) place.current.focus();
    before.current = step;
  }, [step]);
  return place;
}

function Choose({ order, refund, untilWhen, t, lang }) {
  const [left, setLeft] = useState(new Set());
  const { books, single, against, problem, again, ask, busy } = refund;
  if (problem) {
    return html`<${ProblemNotice} problem=${problem} about="refund" t=${t} lang=${lang}>
      <button class="button" onClick=${again}>${t("shell.again")}</button>
    <//>`;
  }
  if (!books) return html`<p class="muted" role="status">${t("shell.loading")}</p>`;
  if (against) return html`<p data-test="refund-reason">${t(`refund.why.${against}`)}</p>`;
  const free = books.filter(({ reason }) => !reason).map(({ line }) => line.productId);
  const isChoice = single && books.length > 1;
  const chosen = isChoice ? free.filter((productId) => !left.has(productId)) : free;
  const toggle = (productId) => {
    const next = new Set(left);
    if (!next.delete(productId)) next.add(productId);
    setLeft(next);
  };
  return html`
    ${free.length > 0 && html`<p>${t("refund.until", { until: untilWhen })}</p>`}
    ${!single && books.length > 1 && html`<p>${t("refund.whole")}</p>`}
    <ul class="refund-books">
      ${books.map(
        ({ line, reason }) => html`<${Book}
          key=${line.productId}
          ...${{ line, reason, currency: order.currency, isChoice, isChosen: chosen.includes(line.productId), t, lang }}
          toggle=${() => toggle(line.productId)}
        />`,
      )}
    </ul>
    ${
      free.length > 0 &&
      html`<button class="button" disabled=${chosen.length === 0} aria-busy=${busy} onClick=${() => ask(chosen)} data-test="refund-ask">
        ${t("refund.ask", { count: chosen.length })}
      </button>`
    }
  `;
}

function Book({ line, reason, currency, isChoice, isChosen, toggle, t, lang }) {
  const name = html`<span class="refund-title">${text(line.title)}</span>`;
  if (reason) {
    return html`<li>${name}<span class="small-print" data-test="refund-reason">${t(`refund.why.${reason}`)}</span></li>`;
  }
  const amount = html`<b><${Bells} amount=${line.payable} ...${{ currency, t, lang }} /></b>`;
  if (!isChoice) return html`<li>${name}${amount}</li>`;
  return html`<li>
    <label><input type="checkbox" checked=${isChosen} onChange=${toggle} data-product-id=${line.productId} />${name}</label>${amount}
  </li>`;
}

/** What comes back, what does not, and what is lost; then the button that does it. */
function Confirm({ order, refund, t, lang }) {
  const { shown, debt, productIds, changed, unanswered, untaken } = refund.confirming;
  const said = (amount) => amountText(t, lang, amount, order.currency);
  const lapses = lapsedOf(shown.amount, shown.lots);
  const titles = order.lines.filter((line) => productIds.includes(line.productId)).map((line) => text(line.title));
  return html`
    ${untaken && html`<p class="notice" role="alert" data-test="refund-untaken">${t("refund.untaken")}</p>`}
    ${changed && html`<p class="notice" role="alert" data-test="refund-changed">${t("refund.changed")}</p>`}
    <ul class="bulleted refund-facts" data-test="refund-facts">
      <li>
        ${
          shown.amount - lapses > 0
            ? html`${`${t(debt > 0 ? "refund.comesBackAlone" : "refund.comesBack")} `}<b><${Bells} amount=${shown.amount - lapses} currency=${order.currency} t=${t} lang=${lang} /></b>`
            : t(shown.amount > 0 ? "refund.noneComesBack" : "refund.wasFree")
        }
      </li>
      ${debt > 0 && shown.amount > lapses && html`<li>${t("refund.paysDebt", { debt: said(debt) })}</li>`}
      ${lapses > 0 && html`<li>${t("refund.wouldLapse", { amount: said(lapses) })}</li>`}
      ${shown.lots
        .filter((lot) => lot.expiresAt)
        .map(
          (lot) => html`<li key=${lot.lot}>
            ${t("refund.keepsExpiry", { amount: said(lot.amount), time: formatTime(lang, lot.expiresAt) })}
          </li>`,
        )}
      ${shown.vouchers.length > 0 && html`<li>${t("refund.vouchersComeBack", { count: shown.vouchers.length })}</li>`}
      <li>
        ${`${t("refund.lose")} `}
        ${titles.slice(0, NAMED).map((title, place) => html`<bdi key=${place}>${`${place > 0 ? " · " : ""}${title}`}</bdi>`)}
        ${titles.length > NAMED && html`<span>${t("refund.andMore", { count: titles.length - NAMED })}</span>`}
      </li>
    </ul>
    <p class="small-print">${t("refund.final")}</p>
    ${unanswered && html`<p class="notice" role="alert" data-test="refund-unanswered">${t("refund.unanswered")}</p>`}
    <div class="ways">
      <button class="button main" aria-busy=${refund.busy} onClick=${refund.confirm} data-test="refund-confirm">
        ${t(unanswered ? "refund.askOutcome" : "refund.confirm")}
      </button>
      <button class="button" onClick=${refund.keep} data-test="refund-keep">${t("refund.keep", { count: productIds.length })}</button>
    </div>
  `;
}
