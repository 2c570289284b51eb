import { html } from "../../html.js";
import { Bells } from "../../ui/bells.js";
import { Icon } from "../../ui/icon.js";
import { topupAddress } from "../../ui/topup_address.js";
import { minutes } from "./clock.js";

/**
 * What is to be paid, from what, until when; and the confirmation, which is sent once however often it is clicked.
 * `sells` is whether bells can be bought here.
 */
export function Summary({ order, clock, sells, t, lang }) {
  const { subtotal, discount, total, currency, wallet } = order.offer;
  const { phase, busy } = order;
  const amount = (value) => html`<${Bells} amount=${value} ...${{ currency, lang, t }} />`;
  return html`<section class="sheet summary" aria-labelledby="summary" aria-busy=${busy}>
    <h2 id="summary" class="aside">${t("order.summary")}</h2>
    <dl>
      <div>
        <dt>${t("order.subtotal")}</dt>
        <dd>${amount(subtotal)}</dd>
      </div>
      ${
        discount > 0 &&
        html`<div class="saved">
          <dt>${t("order.discount")}</dt>
          <dd>${amount(-discount)}</dd>
        </div>`
      }
      <div class="total">
        <dt>${t("order.total")}</dt>
        <dd data-test="order-total" aria-live="polite">${amount(total)}</dd>
      </div>
      <div>
        <dt>${t("order.balance")}</dt>
        <dd>${amount(wallet.balance)}</dd>
      </div>
      ${
        wallet.sufficient
          ? html`<div>
              <dt>${t("order.after")}</dt>
              <dd>${amount(wallet.balance - total)}</dd>
            </div>`
          : html`<div class="short">
              <dt>${t("order.shortfall")}</dt>
              <dd>${amount(wallet.shortfall)}</dd>
            </div>`
      }
    </dl>
    ${!wallet.sufficient && html`<${Short} ...${{ order, sells, amount, t }} />`}
    <div class="confirm-bar">
      <p class="offer-clock" data-test="offer-clock">
        <${Icon} name="clock" />${
          clock.left > 0
            ? html`<span class="roomy">${t("order.stands")}</span> <time>${minutes(clock.left)}</time>`
            : t("order.stoodUntil")
        }
      </p>
      <button
        class="button main wide"
        data-test="confirm"
        disabled=${phase !== "offer" || clock.left === 0}
        onClick=${() => order.pay()}
      >
        ${phase === "paying" ? t("order.paying") : phase === "quoting" ? t("order.quoting") : html`${t("order.confirm")} ${amount(total)}`}
      </button>
    </div>
    <p class="small-print">${t("order.once")}</p>
  </section>`;
}

/** Too few bells: where to buy exactly what is missing, or else where to see what there is. */
function Short({ order, sells, amount, t }) {
  const { shortfall } = order.offer.wallet;
  return html`<p class="reason">${t("order.topUp")}</p>
    <p>
      ${
        sells
          ? html`<a class="button wide" data-test="topup-missing" href=${topupAddress(order.orderId)}>${t("order.topUpBy")} ${amount(shortfall)}</a>`
          : html`<a href="/wallet">${t("shell.wallet")}</a>`
      }
    </p>`;
}
