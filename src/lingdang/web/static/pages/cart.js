/** The cart (图1): tick books, see each price arrive from the shop and the total follow, and check out. */
import { html, useEffect, useRef, useState } from "../html.js";
import { Price } from "../ui/bells.js";
import { chosen, sold, withItem } from "../ui/chosen.js";
import { Cover } from "../ui/cover.js";
import { Guard } from "../ui/guard.js";
import { Icon } from "../ui/icon.js";
import { Loading } from "../ui/loading.js";
import { useAct } from "../ui/act.js";
import { ProblemNotice } from "../ui/notice.js";
import { CheckoutBar } from "../ui/checkout_bar.js";
import { productAddress } from "../ui/product_address.js";
import { readAddress } from "../ui/reading.js";
import { split, text } from "../ui/text.js";

export const title = (t) => t("cart.title");

export default function CartPage({ shop, navigate, t, lang }) {
  const { cart, problem, busy, tick, tickAll, remove, load, fail } = useCart(shop);
  const [checkOut, checkingOut] = useAct(async ({ productIds }) => {
    try {
      const order = await shop.checkout(productIds);
      navigate(`/order/${order.orderId}`);
    } catch (refusal) {
      await load();
      fail(refusal);
    }
  });
  return html`
    <div class="page-head"><h1>${t("cart.title")}</h1></div>
    ${
      problem &&
      html`<${ProblemNotice} problem=${problem} t=${t} lang=${lang}>
        <button class="button" onClick=${load}>${t("shell.again")}</button>
      <//>`
    }
    ${!cart && !problem && html`<${Loading} t=${t} />`} ${cart?.items.length === 0 && html`<${Empty} t=${t} />`}
    ${
      cart?.items.length > 0 &&
      html` <div class="sheet flush">
          <${TickAll} items=${cart.items} tickAll=${tickAll} t=${t} />
          <ul class="rows">
            ${sorted(cart.items).map(
              (item) =>
                html`<${Guard} key=${item.productId} of=${item} instead=${html`<li class="row">${t("shell.notShown")}</li>`}>
                  <${Row} ...${{ item, tick, remove, busy, t, lang }} />
                <//>`,
            )}
          </ul>
        </div>
        <${CheckoutBar}
          orders=${chosen(cart)}
          ...${{ busy, t, lang }}
          way=${(order) =>
            html`<button
              class="button main"
              data-test="checkout"
              disabled=${order.count === 0 || busy || checkingOut}
              onClick=${() => checkOut(order)}
            >
              ${t(checkingOut ? "cart.checkingOut" : "cart.checkOut")}
            </button>`}
        />`
    }
  `;
}

const Empty = ({ t }) =>
  html`<div class="empty">
    <${Icon} name="cart" />
    <p>${t("cart.empty")}</p>
    <p><a class="button main" href="/">${t("shell.toBooks")}</a></p>
  </div>`;

/** What can be bought comes first. */
const sorted = (items) => [...items].sort((one, other) => sold(other) - sold(one));

function TickAll({ items, tickAll, t }) {
  const box = useRef(null);
  const offered = items.filter(sold);
  const ticked = offered.filter((item) => item.ticked).length;
  const all = offered.length > 0 && ticked === offered.length;
  useEffect(() => {
    box.current.indeterminate = ticked > 0 && !all;
  });
  return html`<label class="row-tick all">
    <input
      type="checkbox"
      ref=${box}
      data-test="tick-all"
      checked=${all}
      disabled=${offered.length === 0}
      onChange=${() => tickAll(!all)}
    />
    <span>${t("cart.all")}</span>
    <span class="muted">${t("cart.ofThem", { ticked, count: items.length })}</span>
  </label>`;
}

function Row({ item, busy, tick, remove, t, lang }) {
  const [name, series] = split(item.title);
  const state = item.owned ? "owned" : item.available ? null : "gone";
  return html`<li class=${`row ${state ? "off" : ""}`} data-test="cart-row" data-product-id=${item.productId}>
    <label class="row-tick">
      <input
        type="checkbox"
        data-test="tick"
        checked=${item.ticked && !state}
        disabled=${Boolean(state)}
        onChange=${(event) => tick(item, event.currentTarget.checked)}
      />
      <span class="aside">${t("cart.tick", { title: text(item.title) })}</span>
      <${Cover} product=${item} class="tiny" />
    </label>
    <div class="row-text">
      <h2><a href=${productAddress(item.productId)}>${name}</a></h2>
      ${series && html`<p class="series">${series}</p>`}
      ${
        state &&
        html`<p class="state">
          ${t(`cart.${state}`)}
          ${item.owned && html` <a href=${readAddress(item.productId)}>${t("cart.read")}</a>`}
        </p>`
      }
    </div>
    <p class="row-price" aria-busy=${busy}>
      ${!item.owned && html`<${Price} price=${item.price} listPrice=${item.listPrice} currency=${item.currency} lang=${lang} t=${t} />`}
    </p>
    <button class="quiet" onClick=${() => remove(item)}>
      ${t("cart.remove")}<span class="aside">${`: ${text(item.title)}`}</span>
    </button>
  </li>`;
}

/**
 * The cart as the shop has it. A tick shows at once; its price and the total are the shop's answer. Requests go out
 * one after the other, so the last answer is about everything that was ticked before it.
 */
function useCart(shop) {
  const [cart, setCart] = useState(null);
  const [problem, fail] = useState(null);
  const [waiting, setWaiting] = useState(0);
  const queue = useRef(Promise.resolve());

  const ask = (request, apply) => {
    setWaiting((count) => count + 1);
    queue.current = queue.current.then(async () => {
      try {
        const answer = await request();
        setCart((before) => apply(answer, before));
        fail(null);
      } catch (refusal) {
        fail(refusal);
        if (shop.session) await shop.cart().then((answer) => setCart(wanted(answer)), () => {});
      }
      setWaiting((count) => count - 1);
    });
    return queue.current;
  };
  const load = () => ask(() => shop.cart(), wanted);
  useEffect(() => void load(), []);

  const tick = ({ productId }, ticked) => {
    setCart((before) => ({ ...before, items: withItem(before.items, { productId, ticked }) }));
    return ask(
      () => shop.tick(productId, ticked),
      ({ item, selected }, before) => ({
        items: withItem(before.items, { ...item, ticked: tickOf(before, productId) }),
        selected,
      }),
    );
  };
  const tickAll = (ticked) => ask(() => shop.tickAll(ticked), wanted);
  const remove = ({ productId }) => ask(() => shop.removeFromCart(productId).then(() => shop.cart()), wanted);
  return { cart, problem, busy: waiting > 0, tick, tickAll, remove, load, fail };
}

/** The cart without what is bought: the shop takes that out at the next tick. What turns out so at a tick stays, and says it. */
const wanted = (cart) => ({ ...cart, items: cart.items.filter((item) => !item.owned) });

/** As the reader has it by now: an answer to an earlier click does not turn a later one back. */
const tickOf = (cart, productId) => cart.items.find((item) => item.productId === productId)?.ticked;
