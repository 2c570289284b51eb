import { html, useEffect, useState } from "../../html.js";
import { formatTime } from "../../i18n.js";
import { Bells } from "../../ui/bells.js";
import { CodeForm } from "../../ui/code_form.js";
import { explain, reasonsOf } from "../../ui/notice.js";
import { text } from "../../ui/text.js";

/**
 * Every voucher that the reader holds: what it saves, or why it does not. Choosing asks the shop for a new offer.
 * One that cannot stand beside a chosen one takes its place.
 */
export function Vouchers({ order, t, lang }) {
  const { vouchers, vouchersProven, currency } = order.offer;
  const [chosen, choose] = useChosen(order);
  const locked = order.phase === "paying" || order.phase === "over";
  const toggle = ({ voucherId, reason }) => {
    const rivals = reason?.code === "not_with" ? reason.voucherIds : [];
    const others = chosen.filter((id) => id !== voucherId && !rivals.includes(id));
    choose(chosen.includes(voucherId) ? others : [...others, voucherId]);
  };
  return html`<section class="sheet" aria-labelledby="vouchers">
    <div class="page-head">
      <h2 id="vouchers">${t("order.vouchers")}</h2>
      ${
        vouchers.length > 0 &&
        html`<div class="voucher-ways">
          <button class="quiet" disabled=${locked} onClick=${() => order.quote()}>${t("order.best")}</button>
          <button class="quiet" disabled=${locked} onClick=${() => order.quote({ voucherIds: [] })}>
            ${t("order.none")}
          </button>
        </div>`
      }
    </div>
    ${vouchers.length === 0 && html`<p class="muted">${t("order.noVouchers")}</p>`}
    ${vouchersProven === false && html`<p class="small-print">${t("order.notProven")}</p>`}
    <ul class="vouchers">
      ${sorted(vouchers).map((voucher) => html`<${Voucher} key=${voucher.voucherId} ...${{ voucher, toggle, locked, currency, t, lang }} chosen=${chosen.includes(voucher.voucherId)} />`)}
    </ul>
    <${CodeField} ...${{ order, locked, t, lang }} />
  </section>`;
}

/**
 * The vouchers chosen, and how to choose others: shown at once, though the offer that has them is still to come. When
 * there is none, what the offer has is chosen again.
 */
function useChosen(order) {
  const offered = () => order.offer.vouchers.filter((voucher) => voucher.applied).map((voucher) => voucher.voucherId);
  const [chosen, setChosen] = useState(offered);
  useEffect(() => {
    if (order.phase !== "quoting") setChosen(offered());
  }, [order.offer, order.phase]);
  const choose = (voucherIds) => {
    setChosen(voucherIds);
    order.quote({ voucherIds });
  };
  return [chosen, choose];
}

/** The usable first; choosing one moves none. */
const sorted = (vouchers) => [...vouchers].sort((one, other) => other.usable - one.usable);

function Voucher({ voucher, chosen, toggle, locked, currency, t, lang }) {
  const { voucherId, name, applied, usable, saves, reason, expiresAt } = voucher;
  const choosable = chosen || applied || (usable && (!reason || reason.code === "not_with"));
  const why = `why-${voucherId}`;
  return html`<li
    class=${`voucher ${chosen ? "applied" : usable ? "" : "off"}`}
    data-test="voucher"
    data-voucher-id=${voucherId}
  >
    <label>
      <input
        type="checkbox"
        checked=${chosen}
        disabled=${locked || !choosable}
        aria-describedby=${reason ? why : null}
        onChange=${() => toggle(voucher)}
      />
      <span class="voucher-name">${text(name)}</span>
    </label>
    <div class="voucher-text">
      ${saves > 0 && html`<p class=${applied ? "saved" : "muted"}>${t(applied ? "order.saves" : "order.wouldSave")} <${Bells} amount=${saves} ...${{ currency, t, lang }} /></p>`}
      ${reason && html`<p class="reason" id=${why} data-test="voucher-reason" data-reason=${reason.code}>${reason[lang] ?? reason.code}</p>`}
      ${expiresAt && html`<p class="small-print">${t("order.until", { time: formatTime(lang, expiresAt) })}</p>`}
    </div>
  </li>`;
}

/** A code claims a voucher; the offer is then made anew with the best of all. */
const CodeField = ({ order, locked, t, lang }) =>
  html`<${CodeForm}
    id="code"
    label=${t("order.code")}
    button=${t("order.useCode")}
    use=${(voucherCode) => order.quote({ voucherCode })}
    disabled=${locked}
    told=${order.codeProblem && (reasonsOf(order.codeProblem, lang) || explain(order.codeProblem, t, lang).heading)}
  />`;
