import { html } from "../../html.js";
import { formatNumber } from "../../i18n.js";
import { Bells, amountText, currencyName } from "../../ui/bells.js";
import { Money } from "../../ui/money.js";
import { text } from "../../ui/text.js";
import { moneyOf, typed } from "./wish.js";

/** One package to choose; a free amount is typed in once it is chosen. */
export function Package({ one, choice, change, chosen, t, lang }) {
  const { packageId, currency } = one;
  const isChosen = one === chosen;
  const price = moneyOf(one, typed(choice.amount));
  return html`<div class=${`package ${isChosen ? "chosen" : ""}`} data-test="package" data-package-id=${packageId}>
    <label>
      <input type="radio" name="package" value=${packageId} checked=${isChosen} onChange=${() => change({ packageId })} />
      <span class="package-text">
        ${
          one.perBell
            ? html`<b>${t("topup.free")}</b>`
            : html`<b><${Bells} amount=${one.paid + one.bonus} ...${{ currency, t, lang }} /></b>`
        }
        <span class="small-print">${text(one.name)}</span>
        ${one.bonus > 0 && html`<span class="saved">${bonus(one, t, lang)}</span>`}
      </span>
      ${price && html`<b class="package-price"><${Money} money=${price} lang=${lang} /></b>`}
    </label>
    ${one.perBell && isChosen && html`<${Amount} ...${{ one, choice, change, price, t, lang }} />`}
  </div>`;
}

function bonus({ bonus, currency, bonusExpiresAfterDays: days }, t, lang) {
  const amount = amountText(t, lang, bonus, currency);
  return days ? t("topup.bonusFor", { amount, days }) : t("topup.bonus", { amount });
}

function Amount({ one, choice, change, price, t, lang }) {
  const [least, most] = [one.least, one.most].map((bound) => formatNumber(lang, bound));
  const wrong = choice.amount !== "" && !price;
  return html`<div class="amount">
    <label class="field" for="amount"><span>${t("topup.amount")}</span></label>
    <input
      id="amount"
      type="text"
      inputmode="numeric"
      autocomplete="off"
      maxlength="16"
      value=${choice.amount}
      aria-invalid=${wrong ? "true" : null}
      aria-describedby="amount-bounds"
      onInput=${(event) => change({ amount: event.currentTarget.value })}
    />
    <p id="amount-bounds" class=${wrong ? "reason" : "small-print"} role=${wrong ? "alert" : null}>
      ${t("topup.bounds", { least, most, unit: currencyName(t, one.currency) })}
    </p>
  </div>`;
}
