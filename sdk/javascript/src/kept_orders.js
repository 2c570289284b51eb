import { base64url, utf8 } from "./bytes.js";
import { Problem } from "./problem.js";

const PREFIX = "order:";
const SEAL_KEY = "seal-key";
const HMAC = { name: "HMAC", hash: "SHA-256" };

/**
 * Step ③: orders kept locally, by their id, until they are paid or of no more use. Each is sealed with a key that
 * cannot be read out of the store: an order whose lines, prices or token were changed there is refused, not shown.
 * @param {import("./stores.js").Store} store
 */
export function keptOrders(store) {
  const sealOf = async (kept) => {
    let key = await store.get(SEAL_KEY);
    if (!key) {
      key = await crypto.subtle.generateKey(HMAC, false, ["sign"]);
      await store.put(SEAL_KEY, key);
    }
    // A store gives values back with their members in the order in which they were put.
    return base64url(await crypto.subtle.sign(HMAC, key, utf8(JSON.stringify(kept))));
  };

  const get = async (orderId) => {
    const found = await store.get(PREFIX + orderId);
    if (!found) return null;
    const { seal, ...kept } = found;
    if (seal !== (await sealOf(kept)) || kept.order?.orderId !== orderId) throw new Problem("order_altered", { orderId });
    return kept;
  };

  return {
    /** Keep `{order, custId, sessionId, state}`; `state` is `offered`, `paying` or `paid`. */
    put: async (kept) => store.put(PREFIX + kept.order.orderId, { ...kept, seal: await sealOf(kept) }),

    /** The order as it was kept, or null. Throws Problem `order_altered`. */
    get,

    /** All that nobody has altered, oldest first. */
    all: async () => {
      const keys = (await store.keys(PREFIX)).sort();
      const found = await Promise.all(keys.map((key) => get(key.slice(PREFIX.length)).catch(() => null)));
      return found.filter(Boolean);
    },

    forget: (orderId) => store.delete(PREFIX + orderId),
  };
}
