import { base64url, utf8 } from "./bytes.js";
import { Problem } from "./problem.js";

const PREFIX = "order:";
const SEAL_KEY = "seal-key";

/**
 * Step ③: orders kept locally, by their id, until they are paid or of no more use. Each is sealed with a key that
 * cannot be read out of the store: an order whose lines, prices or token were changed there is refused, not shown.
 */
export class KeptOrders {
  /** @param {import("./stores.js").Store} store */
  constructor(store) {
    this.store = store;
  }

  /** Keep `{order, custId, sessionId, state}`; `state` is `offered`, `paying` or `paid`. */
  async put(kept) {
    const seal = base64url(await crypto.subtle.sign("HMAC", await this.#key(), sealed(kept)));
    await this.store.put(PREFIX + kept.order.orderId, { ...kept, seal });
  }

  /** The order as it was kept, or null. Throws Problem `order_altered`. */
  async get(orderId) {
    const found = await this.store.get(PREFIX + orderId);
    if (!found) return null;
    const { seal, ...kept } = found;
    const bytes = sealed(kept);
    const expected = base64url(await crypto.subtle.sign("HMAC", await this.#key(), bytes));
    if (seal !== expected || kept.order?.orderId !== orderId) throw new Problem("order_altered", { orderId });
    return kept;
  }

  /** The ids of all kept orders, oldest first. */
  async ids() {
    return (await this.store.keys(PREFIX)).map((key) => key.slice(PREFIX.length)).sort();
  }

  async forget(orderId) {
    await this.store.delete(PREFIX + orderId);
  }

  async #key() {
    const known = await this.store.get(SEAL_KEY);
    if (known) return known;
    const key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    await this.store.put(SEAL_KEY, key);
    return key;
  }
}

const sealed = (kept) => utf8(JSON.stringify(kept, Object.keys(flat(kept)).sort()));

/** Every name that occurs anywhere in a value: JSON.stringify writes them in the order of such a list. */
function flat(value, names = {}) {
  for (const [name, inner] of Object.entries(value ?? {})) {
    names[name] = true;
    if (typeof inner === "object") flat(inner, names);
  }
  return names;
}
