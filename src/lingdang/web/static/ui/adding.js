/** Putting a product into the cart, from wherever it is shown. */
import { useState } from "../html.js";
import { loginAddress } from "../login_address.js";
import { explain } from "./notice.js";
import { split } from "./text.js";

/**
 * `[add, said]`: `add(product)` ticks it, `said` is what became of the last one. Who has to sign in for it comes back to
 * `back(product)`.
 */
export function useAdding({ shop, mine, navigate, back, t, lang }) {
  const [said, say] = useState("");
  const add = async (product) => {
    try {
      const { item, selected } = await shop.tick(product.productId);
      mine.put(item, selected);
      say(t("shop.added", { title: split(item.title)[0] }));
    } catch (problem) {
      if (!shop.session) navigate(loginAddress(back(product)));
      else say(explain(problem, t, lang).heading);
    }
  };
  return [add, said];
}
