/** What is chosen of a cart, as the orders that it makes: each has one currency and at most 100 products. */

export const MOST = 100;

/** Whether an item of the cart can be bought. */
export const sold = (item) => item.available && !item.owned;

/**
 * One order for each currency: `{currency, count, total, productIds, left}`. `left` are the chosen products that do
 * not go into it any more. The total is the shop's own where it speaks of the same products, else the sum of its prices.
 * @param {{items: object[], selected: {count: number, total: number}}} cart
 */
export function chosen({ items, selected }) {
  const ticked = items.filter((item) => item.ticked && sold(item));
  const orders = [...new Set(ticked.map((item) => item.currency))].map((currency) => orderOf(currency, ticked));
  const [only] = orders;
  if (orders.length === 1 && only.left === 0) return [{ ...only, ...selected }];
  return orders;
}

function orderOf(currency, ticked) {
  const all = ticked.filter((item) => item.currency === currency);
  const first = all.slice(0, MOST);
  return {
    currency,
    count: first.length,
    total: first.reduce((sum, { price }) => sum + price, 0),
    productIds: first.map((item) => item.productId),
    left: all.length - first.length,
  };
}

/** The cart with an item as the shop answers it now: changed where it is in it, else added. */
export function withItem(items, item) {
  const isKnown = items.some(({ productId }) => productId === item.productId);
  if (!isKnown) return [...items, item];
  return items.map((before) => (before.productId === item.productId ? { ...before, ...item } : before));
}
