import { html } from "../../html.js";
import { formatTime } from "../../i18n.js";
import { Bells } from "../../ui/bells.js";
import { Guard } from "../../ui/guard.js";
import { Growing, usePages } from "../../ui/loading.js";
import { Money, moneyText } from "../../ui/money.js";

/** The reader's top-ups, newest first, each with how it stands and what of its money went back. */
export function Topups({ shop, t, lang }) {
  const topups = usePages((cursor) => shop.topups({ limit: 10, cursor }), []);
  return html`
    <h2 class="above" id="topups">${t("account.topups")}</h2>
    <${Growing} pages=${topups} t=${t} lang=${lang} empty=${html`<p class="muted">${t("account.noTopups")}</p>`}>
      <div class="sheet figured">
        <table class="figures" aria-labelledby="topups">
          <thead>
            <tr>${["when", "state", "amount", "money"].map((name) => html`<th scope="col" key=${name}>${t(`account.${name}`)}</th>`)}</tr>
          </thead>
          <tbody>
            ${topups.items.map(
              (topup) => html`<${Guard} key=${topup.topupId} of=${topup} instead=${html`<tr><td colspan="4">${t("shell.notShown")}</td></tr>`}>
                <${Row} ...${{ topup, t, lang }} />
              <//>`,
            )}
          </tbody>
        </table>
      </div>
    <//>
  `;
}

function Row({ topup, t, lang }) {
  const { topupId, status, createdAt, currency, paid, bonus, price, received, refunded, lost } = topup;
  const back = refunded + lost > 0 && moneyText(lang, { amount: refunded + lost, currency: received?.currency ?? price.currency });
  return html`<tr data-test="topup-row" data-status=${status}>
    <th scope="row"><a href=${`/topup/${topupId}`}>${formatTime(lang, createdAt)}</a></th>
    <td data-label=${t("account.state")}>${t(`account.topup.${status}`)}</td>
    <td data-label=${t("account.amount")}><b><${Bells} amount=${paid + bonus} ...${{ currency, t, lang }} /></b></td>
    <td data-label=${t("account.money")}>
      <span class="said">
        <${Money} money=${received ?? price} lang=${lang} />
        ${back && html`<span class="small-print">${t("account.wentBack", { money: back })}</span>`}
      </span>
    </td>
  </tr>`;
}
