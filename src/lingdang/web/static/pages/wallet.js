/** The wallet: what is in it, what lapses when, every top-up, and every movement with the balance after it. */
import { html } from "../html.js";
import { formatNumber, formatTime } from "../i18n.js";
import { Bells, amountText } from "../ui/bells.js";
import { Guard } from "../ui/guard.js";
import { Growing, Loading, useLoad, usePages } from "../ui/loading.js";
import { ProblemNotice } from "../ui/notice.js";
import { Balance } from "./wallet/balance.js";
import { Redeem } from "./wallet/redeem.js";
import { Topups } from "./wallet/topups.js";

export const title = (t) => t("account.wallet");

export default function Wallet({ shop, t, lang, config }) {
  const wallet = useLoad(() => shop.wallet(), []);
  const entries = usePages((cursor) => shop.walletEntries({ limit: 30, cursor }), []);
  const renew = () => [wallet, entries].forEach(({ again }) => again());
  return html`
    <div class="page-head">
      <h1>${t("account.wallet")}</h1>
      ${config.topups && html`<a class="button main" data-test="to-topup" href="/topup">${t("account.topUp")}</a>`}
    </div>
    ${wallet.problem && html`<${ProblemNotice} problem=${wallet.problem} t=${t} lang=${lang}>
      <button class="button" onClick=${wallet.again}>${t("shell.again")}</button>
    <//>`}
    ${!wallet.data && !wallet.problem && html`<${Loading} t=${t} />`}
    ${wallet.data?.balances.map(
      (balance) => html`<${Guard} key=${balance.currency} of=${balance} instead=${html`<p class="sheet">${t("shell.notShown")}</p>`}>
        <${Balance} ...${{ balance, t, lang }} />
      <//>`,
    )}
    <${Redeem} ...${{ shop, renew, t, lang }} />
    ${config.topups && html`<${Topups} ...${{ shop, t, lang }} />`}
    <h2 class="above" id="movements">${t("account.movements")}</h2>
    <${Growing} pages=${entries} t=${t} lang=${lang} empty=${html`<p class="muted">${t("account.noMovements")}</p>`}>
      <div class="sheet figured">
        <table class="figures" aria-labelledby="movements">
          <thead>
            <tr>${["when", "what", "amount", "balance"].map((name) => html`<th scope="col" key=${name}>${t(`account.${name}`)}</th>`)}</tr>
          </thead>
          <tbody>
            ${entries.items.map(
              (entry) => html`<${Guard} key=${`${entry.currency}${entry.seq}`} of=${entry} instead=${html`<tr><td colspan="4">${t("shell.notShown")}</td></tr>`}>
                <${Entry} ...${{ entry, t, lang }} />
              <//>`,
            )}
          </tbody>
        </table>
      </div>
    <//>
  `;
}

function Entry({ entry, t, lang }) {
  const { kind, at, currency } = entry;
  const orderId = kind === "payment" ? entry.reference : entry.orderId;
  return html`<tr data-test="wallet-entry">
    <th scope="row">${formatTime(lang, at)}</th>
    <td data-label=${t("account.what")}>${orderId ? html`<a href=${`/orders/${encodeURIComponent(orderId)}`}>${kindOf(kind, t)}</a>` : kindOf(kind, t)}</td>
    <td data-label=${t("account.amount")}>
      <span class="said">
        <b><${Bells} amount=${entry.amount} sign ...${{ currency, t, lang }} /></b>
        ${Boolean(entry.debt) && html`<span class="small-print" data-test="entry-debt">${debtOf(entry, t, lang)}</span>`}
      </span>
    </td>
    <td data-label=${t("account.balance")}><${Bells} amount=${entry.balance} ...${{ currency, t, lang }} /></td>
  </tr>`;
}

/** What a movement added to what is owed, or paid of it: its amount is what the balance moved by. */
function debtOf({ amount, debt, currency }, t, lang) {
  const said = (count) => amountText(t, lang, count, currency);
  if (debt > 0) return t("account.entryOwed", { amount: said(debt) });
  const key = amount > 0 ? "account.entryPaid" : "account.entryPaidAlone";
  return t(key, { amount: said(amount - debt), debt: formatNumber(lang, -debt) });
}

/** A kind of movement by its name; one that these pages do not know is called by the shop's word. */
function kindOf(kind, t) {
  const key = `account.kind.${kind}`;
  return t(key) === key ? kind : t(key);
}
