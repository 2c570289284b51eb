import { html, useEffect, useState } from "../../html.js";
import { Price } from "../../ui/bells.js";
import { split } from "../../ui/text.js";

/**
 * A book that the address names, `?add=`: wanted before the login, or in a link from elsewhere. A link changes no cart:
 * the reader is asked.
 */
export function Wanted({ shop, query, mine, add, navigate, t, lang }) {
  const product = useProduct(shop, query.get("add"));
  if (!product || mine.ticked.has(product.productId) || mine.owned.has(product.productId)) return null;
  const words = query.get("q");
  const onwards = words ? `/?q=${encodeURIComponent(words)}` : "/";
  const take = () => add(product).then(() => navigate(onwards, { replace: true }));
  return html`<section class="notice" data-test="wanted" aria-labelledby="wanted">
    <h2 id="wanted">${t("shop.wanted", { title: split(product.title)[0] })}</h2>
    <p><${Price} price=${product.price} listPrice=${product.listPrice} currency=${product.currency} t=${t} lang=${lang} /></p>
    <div class="ways">
      <button class="button main" data-test="add-wanted" onClick=${take}>${t("shop.add")}</button>
      <a class="button" href=${onwards}>${t("shop.notNow")}</a>
    </div>
  </section>`;
}

/** A product on sale by its id, or null. */
function useProduct(shop, productId) {
  const [product, setProduct] = useState(null);
  useEffect(() => {
    let wanted = true;
    setProduct(null);
    if (productId) {
      shop.product(productId).then(
        (found) => wanted && setProduct(found.available === false ? null : found),
        () => {}, // there is no such book: nothing to ask
      );
    }
    return () => (wanted = false);
  }, [productId]);
  return product;
}
