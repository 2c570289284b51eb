import { html } from "../../html.js";
import { Bells, amountText } from "../../ui/bells.js";
import { Icon } from "../../ui/icon.js";
import { owedIn } from "../../ui/shortfall.js";
import { topupAddress } from "../../ui/topup_address.js";
import { minutes } from "./clock.js";

/**
 * What is to be paid, from what, until when; and the confirmation, which is sent once however often it is clicked.
 * `sells` is whether bells can be bought here.
 */
export function Summary({ order, clock, sells, t, lang }) {
  const { subtotal, discount, total, currency, wallet } = order.offer;
  const { phase, busy } = order;
  const owed = owedIn(order.offer);
  const isToTopUp = !wallet.sufficient && sells && clock.left !== 0 && (phase === "offer" || phase === "quoting");
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
          : html`${owed > 0 && html`<div class="short" data-test="order-owed">
              <dt>${t("order.owed")}</dt>
              <dd>${amount(owed)}</dd>
            </div>`}
            <div class="short">
              <dt>${t("order.shortfall")}</dt>
              <dd>${amount(wallet.shortfall)}</dd>
            </div>`
      }
    </dl>
    ${!wallet.sufficient && html`<${Short} ...${{ order, owed, sells, t, lang }} />`}
    <div class="confirm-bar">
      <p class="offer-clock" data-test="offer-clock">
        <${Icon} name="clock" />${
          clock.left > 0
            ? html`<span class="roomy">${t("order.stands")}</span> <time>${minutes(clock.left)}</time>`
            : t("order.stoodUntil")
        }
      </p>
      ${
        isToTopUp
          ? html`<a class="button main wide" data-test="topup-missing" href=${topupAddress(order.orderId)}>${t("order.topUpBy")} ${amount(wallet.shortfall)}</a>`
          : html`<${Confirm} ...${{ order, clock, t }}>${amount(total)}<//>`
      }
    </div>
    ${isToTopUp && html`<${Confirm} second ...${{ order, clock, t }}>${amount(total)}<//>`}
    <p class="small-print">${t("order.once")}</p>
  </section>`;
}

/** What pays; it cannot while bells are missing. `second` where something else comes first. */
function Confirm({ order, clock, second = false, t, children }) {
  const { phase, offer } = order;
  return html`<button
    class=${`button wide ${second ? "second" : "main"}`}
    data-test="confirm"
    disabled=${phase !== "offer" || clock.left === 0 || !offer.wallet.sufficient}
    onClick=${() => order.pay()}
  >
    ${phase === "paying" ? t("order.paying") : phase === "quoting" ? t("order.quoting") : html`${t("order.confirm")} ${children}`}
  </button>`;
}

/** Too few bells: why, and where there is nothing to buy, where to see what there is. */
function Short({ order, owed, sells, t, lang }) {
  const debt = amountText(t, lang, owed, order.offer.currency);
  const why = owed > 0 ? t("order.inDebt", { debt }) : t("order.tooFew");
  return html`<p class="reason" data-test="order-short">${why}</p>
    <p>${sells ? t("order.topUp") : html`<a href="/wallet">${t("shell.wallet")}</a>`}</p>`;
}
