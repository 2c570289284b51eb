import { html } from "../../html.js";
import { formatTime } from "../../i18n.js";
import { Icon } from "../../ui/icon.js";
import { readAddress } from "../../ui/reading.js";

/** What can be done with a product: read it, find it in the cart, put it there; or why none of these. */
export function Taking({ product, mine, add, t, lang }) {
  const { productId, available } = product;
  const inCart = mine.ticked.has(productId);
  if (mine.owned.has(productId)) return html`<${Owned} productId=${productId} t=${t} />`;
  if (!available) return html`<p class="state off-sale" data-test="product-off-sale">${whyNot(product, t, lang)}</p>`;
  return html`<div class="ways">
    <button
      class=${`button ${inCart ? "taken" : "main"}`}
      data-test="add-to-cart"
      aria-pressed=${inCart}
      onClick=${() => !inCart && add(product)}
    >
      ${inCart && html`<${Icon} name="check" />`}${t(inCart ? "shop.inCart" : "shop.add")}
    </button>
    ${inCart && html`<a class="button main" href="/cart">${t("shop.toCart")}</a>`}
  </div>`;
}

const Owned = ({ productId, t }) => html`<div data-test="product-owned">
  <p class="state">${t("product.owned")}</p>
  <div class="ways">
    <a class="button main" href=${readAddress(productId)}>${t("product.read")}</a>
    <a class="button" href="/library">${t("shell.library")}</a>
  </div>
</div>`;

/** A product may be withdrawn, its time of sale may be over, or not have begun. */
function whyNot({ status, onSaleFrom }, t, lang) {
  const isToCome = status === "active" && Date.parse(onSaleFrom) > Date.now();
  return isToCome ? t("product.notYet", { time: formatTime(lang, onSaleFrom) }) : t("product.gone");
}
