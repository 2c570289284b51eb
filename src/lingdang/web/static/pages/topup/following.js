import { html } from "../../html.js";
import { formatTime } from "../../i18n.js";
import { Bells } from "../../ui/bells.js";
import { Icon } from "../../ui/icon.js";
import { Loading } from "../../ui/loading.js";
import { Money } from "../../ui/money.js";
import { ProblemNotice } from "../../ui/notice.js";
import { Payment } from "./payment.js";
import { toldOf } from "./told.js";
import { useTopup } from "./use_topup.js";

/** What has become of a top-up. It follows by itself, and leads back to the order that it was for. */
export function Following({ shop, topupId, query, t, lang, config }) {
  const { topup, problem } = useTopup(shop, topupId);
  const orderId = query.get("order");
  if (!topup && !problem) return html`<${Loading} t=${t} />`;
  return html`<div class="narrow topup">
    ${problem && html`<${ProblemNotice} ...${{ problem, t, lang }} />`}
    ${topup && html`<${Told} ...${{ topup, orderId, t, lang, config }} />`}
  </div>`;
}

function Told({ topup, orderId, t, lang, config }) {
  const { status, supportReference } = topup;
  const { heading, lines } = toldOf(topup, t, lang);
  return html`
    <div class="topup-head" role="status" data-test="topup-status" data-status=${status}>
      ${status === "paid" && html`<p class="paid-mark"><${Icon} name="check" /></p>`}
      <h1>${heading}</h1>
      ${lines.map((line) => html`<p key=${line}>${line}</p>`)}
      ${
        supportReference &&
        html`<p>
          ${`${t("topup.reference")} `}<b class="reference" translate="no" data-test="support-reference">${supportReference}</b>
        </p>`
      }
    </div>
    ${status === "pending" && html`<${Payment} ...${{ topup, t, lang }} />`}
    <${Facts} ...${{ topup, t, lang }} />
    <${Ways} ...${{ topup, orderId, t }} />
    ${
      config.demo &&
      topup.provider === "sandbox" &&
      isPlayable(topup) &&
      html`<p class="small-print center"><a href=${`/sandbox/${topup.topupId}`} target="_self">${t("topup.sandbox")}</a></p>`
    }
  `;
}

/** Whether the shop holds some of the money, or a dispute does: then it can go back, or be fought for. */
const isPlayable = ({ received, refunded, lost }) => received && received.amount > refunded + lost;

function Facts({ topup, t, lang }) {
  const { currency, paid, bonus, price, received, refunded, lost, disputed, createdAt } = topup;
  const paidIn = received?.currency ?? price.currency;
  const differs = received && (received.amount !== price.amount || received.currency !== price.currency);
  const facts = [
    ["bells", html`<${Bells} amount=${paid + bonus} ...${{ currency, t, lang }} />`],
    ["price", html`<${Money} money=${price} lang=${lang} />`],
    differs && ["received", html`<${Money} money=${received} lang=${lang} />`],
    refunded > 0 && ["refunded", html`<${Money} money=${{ amount: refunded, currency: paidIn }} lang=${lang} />`],
    lost > 0 && ["lost", html`<${Money} money=${{ amount: lost, currency: paidIn }} lang=${lang} />`],
    disputed > 0 && ["disputed", html`<${Money} money=${{ amount: disputed, currency: paidIn }} lang=${lang} />`],
    ["begun", formatTime(lang, createdAt)],
  ].filter(Boolean);
  return html`<dl class="facts sheet">
    ${facts.map(
      ([name, said]) => html`<div key=${name} data-test=${`topup-${name}`}>
        <dt>${t(`topup.${name}`)}</dt>
        <dd>${said}</dd>
      </div>`,
    )}
  </dl>`;
}

/** After these another top-up is what the reader wants. */
const UNPAID = new Set(["failed", "expired"]);

function Ways({ topup: { status }, orderId, t }) {
  const asked = orderId ? `?order=${encodeURIComponent(orderId)}` : "";
  const main = (is) => (is ? "button main" : "button");
  return html`<div class="ways centred">
    ${orderId && html`<a class=${main(status === "paid")} data-test="to-order" href=${`/order/${encodeURIComponent(orderId)}`}>${t("topup.toOrder")}</a>`}
    ${(UNPAID.has(status) || status === "pending") && html`<a class=${main(UNPAID.has(status))} href=${`/topup${asked}`}>${t(`topup.another.${status}`)}</a>`}
    <a class="button" href="/wallet">${t("shell.wallet")}</a>
  </div>`;
}
