import { KeptOrders } from "./kept_orders.js";
import { Payments } from "./payments.js";
import { Problem } from "./problem.js";
import { Sessions } from "./sessions.js";
import { randomText, SIGNED_FIELDS, sign, stringToSign } from "./signing.js";
import { browserStore, defaultStore, memoryStore } from "./stores.js";
import { Transport } from "./transport.js";

export { Problem, SIGNED_FIELDS, browserStore, memoryStore, sign, stringToSign };

const PAID_KEPT_MS = 24 * 3600 * 1000;

/**
 * A customer's client of one shop. Events: `step`, for each of the six steps, and `session`, when it changed or ended.
 * What its methods answer is the contract's; what they throw is a Problem.
 */
export class Lingdang extends EventTarget {
  #transport;
  #sessions;
  #kept;
  #payments;

  /** @param {import("../index.d.ts").Options} options */
  constructor(options) {
    super();
    const { store = defaultStore(), now = Date.now, loadMd5 = () => import("@noble/hashes/legacy.js") } = options;
    const { pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms)) } = options;
    this.#transport = new Transport(options);
    this.#sessions = new Sessions({
      transport: this.#transport,
      store,
      now,
      changed: (session) => this.#tell("session", shown(session)),
    });
    this.#kept = new KeptOrders(store);
    this.#payments = new Payments({
      sessions: this.#sessions,
      transport: { request: (request) => this.#send(request) },
      kept: this.#kept,
      step: (number, name, detail) => this.#step(number, name, detail),
      loadMd5,
      pause,
    });
  }

  /** The session as far as it may be shown, or null. */
  get session() {
    return shown(this.#sessions.current);
  }

  /** The session of an earlier visit, or null; forgets orders that are of no more use. */
  async restore() {
    await this.#sessions.restore();
    await this.#tidy();
    return this.session;
  }

  async login({ custId, password, signType }) {
    await this.#sessions.open({ custId, password, signType });
    return this.session;
  }

  async loginWithPlatformToken({ platformToken, signType }) {
    await this.#sessions.open({ platformToken, signType });
    return this.session;
  }

  logout() {
    return this.#sessions.end();
  }

  /** Any other call of the contract, with the session's headers when there is a session. Answers the body. */
  async request(method, path, body, headers = {}) {
    const own = this.#sessions.current ? this.#sessions.headers() : {};
    return (await this.#send({ method, path, body, headers: { ...own, ...headers } })).body;
  }

  products(query = {}) {
    return this.request("GET", `/v1/products${search(query)}`);
  }

  product(productId) {
    return this.request("GET", `/v1/products/${encodeURIComponent(productId)}`);
  }

  cart() {
    return this.request("GET", "/v1/cart");
  }

  /** Step ①: put a product into the cart, or change its tick; answers its price and the selection's total. */
  async tick(productId, ticked = true) {
    const path = `/v1/cart/items/${encodeURIComponent(productId)}`;
    const request = { method: "PUT", path, body: { ticked }, headers: this.#sessions.headers() };
    const answer = await this.#send(request);
    this.#step(1, "tick", { request, answer });
    return answer.body;
  }

  tickAll(ticked) {
    return this.request("PATCH", "/v1/cart", { ticked });
  }

  removeFromCart(productId) {
    return this.request("DELETE", `/v1/cart/items/${encodeURIComponent(productId)}`);
  }

  /** Steps ② and ③: prices, details and vouchers in one call; what it answers is kept until it is paid or expired. */
  async checkout(productIds, { couponIds, couponCode } = {}) {
    const body = { productIds, ...(couponIds && { couponIds }), ...(couponCode && { couponCode }) };
    const request = { method: "POST", path: "/v1/checkout", body, headers: this.#sessions.headers() };
    const answer = await this.#send(request);
    this.#step(2, "settle", { request, answer });
    const { custId, sessionId } = this.#sessions.current;
    await this.#kept.put({ order: answer.body, custId, sessionId, state: "offered" });
    this.#step(3, "keep", { answer: { status: 0, body: { orderId: answer.body.orderId } } });
    return answer.body;
  }

  /** A kept order with its `state`, or null. Throws Problem `order_altered`. */
  keptOrder(orderId) {
    return this.#kept.get(orderId);
  }

  forgetOrder(orderId) {
    return this.#kept.forget(orderId);
  }

  /** Steps ④ to ⑥: sign, send until there is an answer, keep it. */
  pay(orderId) {
    return this.#payments.pay(orderId);
  }

  /** After a reload or a crash: ask for the outcome of every payment that was under way. */
  resumePayments() {
    return this.#payments.resume();
  }

  orders(query = {}) {
    return this.request("GET", `/v1/orders${search(query)}`);
  }

  order(orderId) {
    return this.request("GET", `/v1/orders/${encodeURIComponent(orderId)}`);
  }

  wallet() {
    return this.request("GET", "/v1/wallet");
  }

  walletEntries(query = {}) {
    return this.request("GET", `/v1/wallet/entries${search(query)}`);
  }

  library(query = {}) {
    return this.request("GET", `/v1/entitlements${search(query)}`);
  }

  entitlement(productId) {
    return this.request("GET", `/v1/entitlements/${encodeURIComponent(productId)}`);
  }

  coupons(query = {}) {
    return this.request("GET", `/v1/coupons${search(query)}`);
  }

  claim(code) {
    return this.request("POST", "/v1/coupons/claim", { code }, { "Idempotency-Key": randomText() });
  }

  async #send(request) {
    try {
      return await this.#transport.request(request);
    } catch (problem) {
      const token = request.headers?.Authorization?.slice("Bearer ".length);
      const ended = problem.code === "unauthenticated" && token === this.#sessions.current?.sessionToken;
      if (ended && token) await this.#sessions.forget();
      throw problem;
    }
  }

  async #tidy() {
    const now = this.#sessions.serverNow();
    for (const orderId of await this.#kept.ids()) {
      const kept = await this.#kept.get(orderId).catch(() => null);
      const expired = kept?.state === "offered" && Date.parse(kept.order.expiresAt) <= now;
      const old = kept?.state === "paid" && Date.parse(kept.result.paidAt) + PAID_KEPT_MS <= now;
      if (expired || old) await this.#kept.forget(orderId);
    }
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
const concealed = ({ headers = {}, ...request }) => ({
  ...request,
  headers: headers.Authorization ? { ...headers, Authorization: `${headers.Authorization.slice(0, 20)}…` } : headers,
});

function search(query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
}
