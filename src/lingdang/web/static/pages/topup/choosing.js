import { html } from "../../html.js";
import { Bells, amountText } from "../../ui/bells.js";
import { Loading, useLoad } from "../../ui/loading.js";
import { ProblemNotice } from "../../ui/notice.js";
import { Form } from "./form.js";
import { forSale } from "./wish.js";

/** What is sold; for an order that lacks bells, exactly what is missing comes first. */
export function Choosing({ shop, query, navigate, t, lang }) {
  const orderId = query.get("order");
  const { data, problem, again } = useLoad(() => forSale(shop, orderId), [orderId]);
  return html`
    <div class="narrow" data-test="topup">
      <h1>${t("topup.title")}</h1>
      ${problem && html`<${ProblemNotice} ...${{ problem, t, lang }}>
        <button class="button" onClick=${again}>${t("shell.again")}</button>
      <//>`}
      ${!data && !problem && html`<${Loading} t=${t} />`}
      ${data && html`<${Sold} ...${{ ...data, shop, orderId, navigate, again, t, lang }} />`}
    </div>
  `;
}

function Sold({ packages, missing, currency, owed, ...props }) {
  const { orderId, t, lang } = props;
  const back = orderId && html`<p class="center"><a href=${`/order/${encodeURIComponent(orderId)}`}>${t("topup.toOrder")}</a></p>`;
  if (packages.length === 0) return html`<p class="notice" role="status">${t("topup.nothing")}</p>${back}`;
  return html`
    ${
      missing > 0 &&
      html`<p class="notice" data-test="topup-missing">
        ${`${t("topup.missing")} `}<b><${Bells} amount=${missing} ...${{ currency, t, lang }} /></b>
      </p>`
    }
    ${owed.map(
      (one) => html`<p key=${one.currency} class="notice" data-test="topup-owed">
        ${t("topup.owes", { amount: amountText(t, lang, one.debt, one.currency) })}
      </p>`,
    )}
    <${Form} ...${{ ...props, packages, missing }} />
    ${back}
  `;
}
