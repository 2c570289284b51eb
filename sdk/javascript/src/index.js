import { keptOrders } from "./kept_orders.js";
import { payments } from "./payments.js";
import { Problem } from "./problem.js";
import { sessions } from "./sessions.js";
import { SIGNED_FIELDS, sign, stringToSign } from "./signing.js";
import { browserStore, defaultStore, memoryStore } from "./stores.js";
import { transport } from "./transport.js";

export { Problem, SIGNED_FIELDS, browserStore, memoryStore, sign, stringToSign };

/** How long after its offer has expired an order is still shown. */
const KEPT_MS = 24 * 3600 * 1000;
const ITEM = "/v1/cart/items/";
/** What is only read: a list takes `{limit, cursor, query}`, the others the id of one of them. */
const READS = {
  products: "products",
  product: "products",
  cart: "cart",
  orders: "orders",
  order: "orders",
  pastOrders: "orders/history",
  wallet: "wallet",
  walletEntries: "wallet/entries",
  library: "entitlements",
  entitlement: "entitlements",
  vouchers: "vouchers",
  topupPackages: "topups/packages",
  topups: "topups",
  topup: "topups",
};

/**
 * A customer's client of one shop. Events: `step`, for each of the six steps, `session`, when it changed or ended, and
 * `store`, when something could be kept in memory alone.
 * What its methods answer is the contract's; what they throw is a Problem.
 */
export class Lingdang extends EventTarget {
  #request;
  #who;
  #kept;
  #payments;
  #durable = true;

  /** @param {import("../index.d.ts").Options} options */
  constructor(options) {
    super();
    const {
      store = defaultStore(options.baseUrl, () => this.#undurable()),
      now = Date.now,
      loadMd5 = () => import("@noble/hashes/legacy.js"),
      pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    } = options;
    const changed = (session) => this.#tell("session", shown(session));
    this.#request = transport(options);
    this.#kept = keptOrders(store, () => this.#who.current()?.custId);
    this.#who = sessions({ send: this.#request, store, now, changed });
    this.#payments = payments({
      who: this.#who,
      send: (request) => this.#send(request),
      kept: this.#kept,
      step: (...given) => this.#step(...given),
      loadMd5,
      pause,
    });
  }

  /** The session as far as it may be shown, or null. */
  get session() {
    return shown(this.#who.current());
  }

  /** Whether a session and an unfinished payment outlive this page; false once the browser has refused to keep one. */
  get durable() {
    return this.#durable;
  }

  /** The shop's time as far as it is known, in milliseconds: an offer's `expiresAt` is measured by it. */
  serverNow() {
    return this.#who.serverNow();
  }

  /** The session of an earlier visit, or null; forgets orders that are of no more use. */
  async restore() {
    await this.#who.restore();
    await this.#kept.tidy(this.#who.serverNow() - KEPT_MS);
    return this.session;
  }

  /** Sign in with `{custId, password}`, or with `{platformToken}` of the platform's own identity provider. */
  async login(proof) {
    await this.#who.open(proof);
    return this.session;
  }

  logout() {
    return this.#who.end();
  }

  /** Any other call of the contract, with the session's headers when there is a session. Answers the body. */
  async request(method, path, body) {
    const headers = this.#who.current() && this.#who.headers();
    return (await this.#send({ method, path, body, headers })).body;
  }

  /** Step ①: put a product into the cart, or change its tick; answers its price and the selection's total. */
  async tick(productId, ticked = true) {
    return this.#stepped(1, "tick", "PUT", ITEM + encodeURIComponent(productId), { ticked });
  }

  tickAll(ticked) {
    return this.request("PATCH", "/v1/cart", { ticked });
  }

  removeFromCart(productId) {
    return this.request("DELETE", ITEM + encodeURIComponent(productId));
  }

  /** Steps ② and ③: prices, details and vouchers in one call; what it answers is kept until it is paid or expired. */
  async checkout(productIds, { voucherIds, voucherCode } = {}) {
    const { custId, sessionId } = this.#who.current() ?? {};
    const order = await this.#stepped(2, "checkout", "POST", "/v1/checkout", { productIds, voucherIds, voucherCode });
    await this.#kept.put({ order, custId, sessionId, state: "offered" });
    this.#step(3, "keep", { answer: { status: 0, body: { orderId: order.orderId } } });
    return order;
  }

  /** A kept order of the customer's own with its `state`, or null. Throws Problem `order_altered`. */
  keptOrder(orderId) {
    return this.#kept.get(orderId);
  }

  /** Every kept order of the customer's own that nobody has altered, oldest first. */
  keptOrders() {
    return this.#kept.all();
  }

  forgetOrder(orderId) {
    return this.#kept.forget(orderId);
  }

  /** Steps ④ to ⑥: sign, send until there is an answer, keep it. */
  pay(orderId) {
    return this.#payments.pay(orderId);
  }

  /** After a reload or a crash: ask for the outcome of every payment of the customer's own that was under way. */
  resumePayments() {
    return this.#payments.resume();
  }

  /** What refunding an order, or some of its products, would bring now. Writes nothing. */
  refundable(orderId, productIds) {
    const asked = productIds ? `?productIds=${productIds.map(encodeURIComponent).join(",")}` : "";
    return this.request("GET", `/v1/orders/${encodeURIComponent(orderId)}/refundable${asked}`);
  }

  /** Refund an order, or some of its products, where the shop allows it. The same `refundId` again changes nothing. */
  refund(orderId, refundId, { reason = "customer_request", productIds } = {}) {
    return this.request("POST", `/v1/orders/${encodeURIComponent(orderId)}/refunds`, { refundId, reason, productIds });
  }

  /** A token that lets whoever has it read a product of the customer's, for so many seconds: for downloads and pictures. */
  link(productId, seconds) {
    return this.request("POST", `/v1/entitlements/${encodeURIComponent(productId)}/links`, { seconds });
  }

  /** Begin a top-up. The same `key` again begins nothing new: keep it until there is an answer. */
  async topUp(asked, key) {
    const headers = { ...this.#who.headers(), "Idempotency-Key": key };
    return (await this.#send({ method: "POST", path: "/v1/topups", body: asked, headers })).body;
  }

  /** The bells of a gift code, once. */
  redeem(code) {
    return this.request("POST", "/v1/wallet/redeem", { code });
  }

  claim(code) {
    return this.request("POST", "/v1/vouchers/claim", { code });
  }

  async #stepped(step, name, method, path, body) {
    const request = { method, path, body, headers: this.#who.headers() };
    const answer = await this.#send(request);
    this.#step(step, name, { request, answer });
    return answer.body;
  }

  async #send(request) {
    try {
      return await this.#request(request);
    } catch (problem) {
      const mine = request.headers?.Authorization === `Bearer ${this.#who.current()?.sessionToken}`;
      if (mine && problem.code === "unauthenticated") await this.#who.forget();
      throw problem;
    }
  }

  #undurable() {
    if (!this.#durable) return;
    this.#durable = false;
    this.#tell("store", { durable: false });
  }

  #step(step, name, { request, ...detail }) {
    this.#tell("step", { step, name, ...(request && { request: concealed(request) }), ...detail });
  }

  #tell(type, detail) {
    this.dispatchEvent(Object.assign(new Event(type), { detail }));
  }
}

const shown = (session) =>
  session && (({ custId, sessionId, signType, expiresAt }) => ({ custId, sessionId, signType, expiresAt }))(session);

/** A request as it may be shown: the session's token is a secret. */
const concealed = (request) => ({
  ...request,
  headers: { ...request.headers, Authorization: `${request.headers.Authorization.slice(0, 20)}…` },
});

/** What follows a path: an id, or a list's query without what is not given. */
function rest(asked = {}) {
  if (typeof asked === "string") return `/${encodeURIComponent(asked)}`;
  const given = Object.entries(asked).filter(([, value]) => (value ?? "") !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

for (const [name, path] of Object.entries(READS)) {
  Lingdang.prototype[name] = function (asked) {
    return this.request("GET", `/v1/${path}${rest(asked)}`);
  };
}
