import { useEffect, useState } from "../html.js";
import { withItem } from "./chosen.js";

const NOTHING = { items: [], selected: { count: 0, total: 0 }, owned: new Set() };

/**
 * What is in the reader's cart and library, as far as shelves and products show it: `{items, selected, owned, ticked, put}`.
 * The library is asked for its list: a single right comes with its receipt, and who takes that has opened the book.
 */
export function useMine(shop) {
  const [state, setState] = useState(NOTHING);
  useEffect(() => {
    if (!shop.session) return;
    Promise.all([shop.cart(), ownedOf(shop)]).then(
      ([cart, owned]) => setState({ ...cart, owned }),
      () => {}, // what is shown is useful without it
    );
  }, []);
  const put = (item, selected) =>
    setState(({ items, owned }) => ({
      items: withItem(items, item),
      selected,
      owned: item.owned ? new Set([...owned, item.productId]) : owned,
    }));
  const ticked = new Set(state.items.filter((item) => item.ticked).map((item) => item.productId));
  return { ...state, ticked, put };
}

/** Pages of the library that are looked through: who owns more sees it in the cart at the latest. */
const MOST_PAGES = 10;

async function ownedOf(shop) {
  const owned = new Set();
  let cursor;
  for (let count = 0; count < MOST_PAGES; count += 1) {
    const page = await shop.library({ limit: 200, cursor });
    for (const { productId } of page.items) owned.add(productId);
    if (!page.nextCursor) break;
    cursor = page.nextCursor;
  }
  return owned;
}
