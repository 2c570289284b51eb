/**
 * The shelves: browse, search, and put books into the cart. Whoever is not signed in meets the door, unless the
 * catalogue is public.
 */
import { html, useState } from "../html.js";
import { loginAddress } from "../login_address.js";
import { useAdding } from "../ui/adding.js";
import { Price } from "../ui/bells.js";
import { chosen } from "../ui/chosen.js";
import { Cover } from "../ui/cover.js";
import { Guard } from "../ui/guard.js";
import { Icon } from "../ui/icon.js";
import { usePages } from "../ui/loading.js";
import { useMine } from "../ui/mine.js";
import { ProblemNotice } from "../ui/notice.js";
import { CheckoutBar } from "../ui/checkout_bar.js";
import { productAddress } from "../ui/product_address.js";
import { readAddress } from "../ui/reading.js";
import { rating, split, text } from "../ui/text.js";
import { Wanted } from "./browse/wanted.js";

const SHELF = 24;

export const title = (t) => t("shop.title");

export default function Browse(props) {
  return props.session || props.config.publicCatalogue ? html`<${Shelves} ...${props} />` : html`<${Door} t=${props.t} />`;
}

function Door({ t }) {
  return html`<section class="door">
    <p class="door-bell"><${Icon} name="bell" /></p>
    <h1>${t("shop.welcome")}</h1>
    <p class="lead">${t("shop.welcomeText")}</p>
    <p><a class="button main" href=${loginAddress("/")}>${t("shop.enter")}</a></p>
    <ul class="promises">
      ${["offer", "once", "yours"].map((promise) => html`<li key=${promise}><${Icon} name="check" />${t(`shop.promise.${promise}`)}</li>`)}
    </ul>
  </section>`;
}

function Shelves({ shop, query, navigate, t, lang }) {
  const words = query.get("q") ?? "";
  const shelf = usePages((cursor) => shop.products({ query: words, limit: SHELF, cursor }), [words]);
  const mine = useMine(shop);
  const back = ({ productId }) => `/?${new URLSearchParams({ ...(words && { q: words }), add: productId })}`;
  const [add, said] = useAdding({ shop, mine, navigate, back, t, lang });
  const orders = chosen(mine);
  return html`
    <div class="page-head">
      <h1>${words ? t("shop.found", { words }) : t("shop.heading")}</h1>
      <${Search} key=${words} words=${words} navigate=${navigate} t=${t} />
    </div>
    <p class="aside" role="status">${said}</p>
    <${Wanted} ...${{ shop, query, mine, add, navigate, t, lang }} />
    ${
      shelf.problem &&
      html`<${ProblemNotice} problem=${shelf.problem} t=${t} lang=${lang}>
        <button class="button" onClick=${shelf.again}>${t("shell.again")}</button>
      <//>`
    }
    ${!shelf.loading && !shelf.problem && shelf.items.length === 0 && html`<p class="empty">${t("shop.nothing")}</p>`}
    <ul class="shelf" aria-busy=${shelf.loading}>
      ${
        shelf.loading && shelf.items.length === 0
          ? Array.from({ length: SHELF / 2 }, (_, i) => html`<li class="card blank" key=${i}></li>`)
          : shelf.items.map(
              (product) =>
                html`<${Guard} key=${product.productId} of=${product} instead=${html`<li class="card">${t("shell.notShown")}</li>`}>
                  <${Card} ...${{ product, mine, add, t, lang }} />
                <//>`,
            )
      }
    </ul>
    ${shelf.hasMore && html`<p class="more"><button class="button" disabled=${shelf.loading} onClick=${shelf.more}>${t("shell.more")}</button></p>`}
    ${
      orders.length > 0 &&
      html`<${CheckoutBar} orders=${orders} t=${t} lang=${lang}>
        <a class="button main" href="/cart">${t("shop.toCart")}</a>
      <//>`
    }
  `;
}

function Search({ words, navigate, t }) {
  const [typed, setTyped] = useState(words);
  const search = (event) => {
    event.preventDefault();
    navigate(typed.trim() ? `/?q=${encodeURIComponent(typed.trim())}` : "/");
  };
  return html`<form class="search" role="search" onSubmit=${search}>
    <label class="aside" for="words">${t("shop.searchLabel")}</label>
    <input
      id="words"
      type="search"
      maxlength="200"
      placeholder=${t("shop.searchHint")}
      value=${typed}
      onInput=${(event) => setTyped(event.currentTarget.value)}
    />
    <button class="button icon-only" aria-label=${t("shop.search")}><${Icon} name="search" /></button>
  </form>`;
}

function Card({ product, mine, add, t, lang }) {
  const [name, series] = split(product.title);
  const { authors, averageRating } = product.attributes ?? {};
  const stars = rating(averageRating);
  return html`<li class="card" data-test="book-card" data-product-id=${product.productId}>
    <${Cover} product=${product} />
    <div class="card-text">
      <h2><a href=${productAddress(product.productId)}>${name}</a></h2>
      ${series && html`<p class="series">${series}</p>`}
      <p class="by">${text(authors) || text(product.publisher)}</p>
      ${stars && html`<p class="rating"><span aria-hidden="true">★ </span>${t("shop.rating", { rating: stars })}</p>`}
      <p class="card-price"><${Price} price=${product.price} listPrice=${product.listPrice} currency=${product.currency} lang=${lang} t=${t} /></p>
      <${Take} ...${{ product, mine, add, t }} />
    </div>
  </li>`;
}

/** The card's one act: add to the cart, see that it is there, or read what is owned. */
function Take({ product, mine, add, t }) {
  const { productId, title: whole } = product;
  const about = html`<span class="aside">${`: ${text(whole)}`}</span>`;
  if (mine.owned.has(productId)) {
    return html`<a class="button small" href=${readAddress(productId)}>${t("shop.read")}${about}</a>`;
  }
  const inCart = mine.ticked.has(productId);
  return html`<button
    class=${`button small ${inCart ? "taken" : ""}`}
    data-test="add-to-cart"
    aria-pressed=${inCart}
    onClick=${() => !inCart && add(product)}
  >
    ${inCart && html`<${Icon} name="check" />`}${t(inCart ? "shop.inCart" : "shop.add")}${about}
  </button>`;
}
