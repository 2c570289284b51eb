/** The wallet: what is in it, what lapses when, and every movement with the balance after it. */
import { html } from "../html.js";
import { formatNumber, formatTime } from "../i18n.js";
import { Bells } from "../ui/bells.js";
import { Growing, Loading, useLoad, usePages } from "../ui/loading.js";
import { ProblemNotice } from "../ui/notice.js";

export const title = (t) => t("account.wallet");

export default function Wallet({ shop, t, lang }) {
  const wallet = useLoad(() => shop.wallet(), []);
  const entries = usePages((cursor) => shop.walletEntries({ limit: 30, cursor }), []);
  return html`
    <div class="page-head"><h1>${t("account.wallet")}</h1></div>
    ${wallet.problem && html`<${ProblemNotice} problem=${wallet.problem} t=${t} lang=${lang}>
      <button class="button" onClick=${wallet.again}>${t("shell.again")}</button>
    <//>`}
    ${!wallet.data && !wallet.problem && html`<${Loading} t=${t} />`}
    ${wallet.data?.balances.map((balance) => html`<${Balance} key=${balance.currency} ...${{ balance, t, lang }} />`)}
    <h2 class="above">${t("account.movements")}</h2>
    <${Growing} pages=${entries} t=${t} lang=${lang} empty=${html`<p class="muted">${t("account.noMovements")}</p>`}>
      <div class="sheet scrolled" tabindex="0" role="region" aria-label=${t("account.movements")}>
        <table class="figures">
          <thead>
            <tr>${["when", "what", "amount", "balance"].map((name) => html`<th scope="col" key=${name}>${t(`account.${name}`)}</th>`)}</tr>
          </thead>
          <tbody>
            ${entries.items.map((entry) => html`<${Entry} key=${`${entry.currency}${entry.seq}`} ...${{ entry, t, lang }} />`)}
          </tbody>
        </table>
      </div>
    <//>
  `;
}

const Balance = ({ balance, t, lang }) => html`<section class="sheet balance">
  <p class="grand" data-test="wallet-balance"><${Bells} amount=${balance.balance} t=${t} lang=${lang} /></p>
  <p class="muted">
    ${t("account.paidAndBonus", { paid: formatNumber(lang, balance.paid), bonus: formatNumber(lang, balance.bonus) })}
  </p>
  ${balance.expiring.length > 0 && html`<ul>
    ${balance.expiring.map(
      ({ amount, expiresAt }) => html`<li key=${expiresAt} class="small-print">
        ${t("account.expiring", { amount: formatNumber(lang, amount), time: formatTime(lang, expiresAt) })}
      </li>`,
    )}
  </ul>`}
</section>`;

const Entry = ({ entry, t, lang }) => html`<tr data-test="wallet-entry">
  <th scope="row">${formatTime(lang, entry.at)}</th>
  <td>
    ${entry.kind === "payment"
      ? html`<a href=${`/orders/${entry.reference}`}>${t("account.kind.payment")}</a>`
      : t(`account.kind.${entry.kind}`)}
  </td>
  <td><b><${Bells} amount=${entry.amount} sign t=${t} lang=${lang} /></b></td>
  <td><${Bells} amount=${entry.balance} t=${t} lang=${lang} /></td>
</tr>`;
