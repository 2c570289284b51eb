import { base64url, utf8 } from "./bytes.js";
import { Problem } from "./problem.js";

const PREFIX = "order:";
const SEAL_KEY = "seal-key";
const HMAC = { name: "HMAC", hash: "SHA-256" };

/**
 * Step ③: orders kept locally, by their id, until they are paid or of no more use. Each is sealed with a key that
 * cannot be read out of the store: an order whose lines, prices or token were changed there is refused, not shown.
 * Each is its customer's alone: whoever else signs in at the same browser neither sees nor ends it.
 * @param {import("./stores.js").Store} store
 * @param {() => string | undefined} owner the customer who is signed in
 */
export function keptOrders(store, owner) {
  const sealOf = async (kept) => {
    let key = await store.get(SEAL_KEY);
    if (!key) {
      key = await crypto.subtle.generateKey(HMAC, false, ["sign"]);
      await store.put(SEAL_KEY, key);
    }
    // A store gives values back with their members in the order in which they were put.
    return base64url(await crypto.subtle.sign(HMAC, key, utf8(JSON.stringify(kept))));
  };

  const isOwn = ({ custId }) => Boolean(custId) && custId === owner();

  const get = async (orderId) => {
    const found = await store.get(PREFIX + orderId);
    if (!found) return null;
    const { seal, ...kept } = found;
    if (seal !== (await sealOf(kept)) || kept.order?.orderId !== orderId) throw new Problem("order_altered", { orderId });
    return isOwn(kept) ? kept : null;
  };

  return {
    /** Keep `{order, custId, sessionId, state}`; `state` is `offered`, `paying` or `paid`. */
    put: async (kept) => store.put(PREFIX + kept.order.orderId, { ...kept, seal: await sealOf(kept) }),

    /** The customer's own order as it was kept, or null. Throws Problem `order_altered`. */
    get,

    /** All of the customer's own that nobody has altered, oldest first. */
    all: async () => {
      const keys = (await store.keys(PREFIX)).sort();
      const found = await Promise.all(keys.map((key) => get(key.slice(PREFIX.length)).catch(() => null)));
      return found.filter(Boolean);
    },

    /** Forget an order of the customer's own. */
    forget: async (orderId) => {
      const found = await store.get(PREFIX + orderId);
      if (found && isOwn(found)) await store.delete(PREFIX + orderId);
    },

    /** Forget whoever's offers that ended before a moment, and what has no owner; a payment under way waits for its own. */
    tidy: async (before) => {
      for (const key of await store.keys(PREFIX)) {
        const { custId, state, order } = (await store.get(key)) ?? {};
        const needed = custId && (state === "paying" || Date.parse(order?.expiresAt) >= before);
        if (!needed) await store.delete(key);
      }
    },
  };
}
