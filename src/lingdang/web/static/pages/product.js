/** A book by itself: what the shop tells of it, and what can be done with it: put it into the cart, or read it. */
import { html, useEffect } from "../html.js";
import { useAdding } from "../ui/adding.js";
import { Price } from "../ui/bells.js";
import { Cover } from "../ui/cover.js";
import { Guard } from "../ui/guard.js";
import { Loading, useLoad } from "../ui/loading.js";
import { useMine } from "../ui/mine.js";
import { ProblemNotice } from "../ui/notice.js";
import { productAddress } from "../ui/product_address.js";
import { paragraphs, split, text } from "../ui/text.js";
import { Facts } from "./product/facts.js";
import { Taking } from "./product/taking.js";

export const title = (t) => t("product.title");

/** What an id that no product has is refused with, and one that none can have. */
const UNKNOWN = new Set(["not_found", "invalid_request"]);

export default function ProductPage({ shop, params: { productId }, navigate, name, t, lang }) {
  const { data, problem, again } = useLoad(() => shop.product(productId), [productId]);
  const product = data?.productId === productId ? data : null;
  useEffect(() => {
    name(product ? split(product.title)[0] : "");
    return () => name("");
  }, [product]);
  if (UNKNOWN.has(problem?.code)) return html`<${Unknown} t=${t} />`;
  if (problem) {
    return html`<h1 class="aside">${t("product.title")}</h1>
      <${ProblemNotice} problem=${problem} t=${t} lang=${lang}>
        <button class="button" onClick=${again}>${t("shell.again")}</button>
      <//>`;
  }
  if (!product) return html`<${Loading} t=${t} />`;
  const failure = html`<section class="notice bad"><h1>${t("shell.notShown")}</h1></section>`;
  return html`<${Guard} of=${product} instead=${failure}><${Product} ...${{ shop, product, navigate, t, lang }} /><//>`;
}

const Unknown = ({ t }) => html`<section class="notice" data-test="product-unknown">
  <h1>${t("product.unknown")}</h1>
  <p>${t("product.unknownText")}</p>
  <p class="ways"><a class="button" href="/">${t("shell.toBooks")}</a></p>
</section>`;

function Product({ shop, product, navigate, t, lang }) {
  const mine = useMine(shop);
  const back = () => productAddress(product.productId);
  const [add, said] = useAdding({ shop, mine, navigate, back, t, lang });
  const [name, series] = split(product.title);
  const by = text(product.attributes?.authors) || text(product.publisher);
  const intro = paragraphs(product.intro);
  const { price, listPrice, currency } = product;
  return html`<article class="product sheet" data-test="product" data-product-id=${product.productId}>
    <${Cover} product=${product} />
    <div class="product-head">
      <h1>${name}</h1>
      ${series && html`<p class="series">${series}</p>`} ${by && html`<p class="by">${by}</p>`}
      <p data-test="product-price"><${Price} ...${{ price, listPrice, currency, t, lang }} class="large" /></p>
      <${Taking} ...${{ product, mine, add, t, lang }} />
      <p class="aside" role="status">${said}</p>
    </div>
    <div class="product-body">
      ${
        intro.length > 0 &&
        html`<h2>${t("product.intro")}</h2>
          <div data-test="product-intro">${intro.map((paragraph, place) => html`<p key=${place}>${paragraph}</p>`)}</div>`
      }
      <${Facts} product=${product} t=${t} lang=${lang} />
    </div>
  </article>`;
}
