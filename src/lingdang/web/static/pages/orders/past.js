/** What was bought in the system before: shown under a heading of its own, where there is any. */
import { html } from "../../html.js";
import { TAGS, formatTime } from "../../i18n.js";
import { Bells } from "../../ui/bells.js";
import { Guard } from "../../ui/guard.js";
import { Growing } from "../../ui/loading.js";
import { text } from "../../ui/text.js";
import { Status } from "./refunds.js";

const NAMED = 3;

export function Past({ pages, t, lang }) {
  if (pages.items.length === 0 && !pages.problem) return null;
  return html`<section aria-labelledby="past-orders" data-test="past-orders">
    <h2 id="past-orders">${t("account.pastOrders")}</h2>
    <p class="small-print">${t("account.pastOrdersAre")}</p>
    <${Growing} pages=${pages} t=${t} lang=${lang}>
      <ul class="rows sheet flush">
        ${pages.items.map(
          (order, place) => html`<${Guard} key=${place} of=${order} instead=${html`<li class="entry">${t("shell.notShown")}</li>`}>
            <${Row} order=${order} t=${t} lang=${lang} />
          <//>`,
        )}
      </ul>
    <//>
  </section>`;
}

const Row = ({ order, t, lang }) => html`<li class="entry" data-test="past-order">
  <details>
    <summary>
      ${order.lines.slice(0, NAMED).map((line, place) => html`<bdi key=${place}>${`${place > 0 ? " · " : ""}${text(line.title)}`}</bdi>`)}
      ${order.lines.length > NAMED && html`<span>${" …"}</span>`}
    </summary>
    <ul class="named">
      ${order.lines.map(
        (line, place) => html`<li key=${place}>
          <bdi>${text(line.title)}</bdi>${" "}<${Amount} amount=${line.payable} currency=${order.currency} t=${t} lang=${lang} />
        </li>`,
      )}
    </ul>
    <span class="small-print" translate="no">${text(order.orderId)}</span>
  </details>
  <span class="small-print">${`${formatTime(lang, order.paidAt)} `}<${Status} status=${order.status} t=${t} /></span>
  <b><${Amount} amount=${order.total} currency=${order.currency} t=${t} lang=${lang} /></b>
</li>`;

/** The system before may have sold for money, which is told in minor units. */
function Amount({ amount, currency, t, lang }) {
  if (!Intl.supportedValuesOf("currency").includes(currency)) {
    return html`<${Bells} amount=${amount} currency=${currency} t=${t} lang=${lang} />`;
  }
  const format = new Intl.NumberFormat(TAGS[lang], { style: "currency", currency });
  const minor = 10 ** format.resolvedOptions().maximumFractionDigits;
  return html`<span class="figure" translate="no">${format.format(amount / minor)}</span>`;
}
