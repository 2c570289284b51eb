import { Problem } from "./problem.js";
import { randomText, sign, stringToSign } from "./signing.js";

const NO_ANSWER = new Set(["connection_lost", "overloaded", "outcome_unknown", "rate_limited", "internal_error"]);
const NEVER_PAYS = new Set([
  "token_invalid",
  "token_expired",
  "order_mismatch",
  "already_owned",
  "product_unavailable",
  "coupon_unusable",
  "cust_mismatch",
]);
const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 10000;

/**
 * Steps ④⑤⑥. The order's id is inside its token: the same payment may be sent any number of times, and is taken once.
 * Before the first sending the order is kept as `paying`; so a reload or a crash forgets nothing.
 */
export class Payments {
  #underWay = new Map();

  constructor({ sessions, transport, kept, step, loadMd5, pause }) {
    Object.assign(this, { sessions, transport, kept, step, loadMd5, pause });
  }

  /** Pay a kept order; asked twice at the same time, also in another tab, it is sent once. */
  pay(orderId) {
    const running = this.#underWay.get(orderId);
    if (running) return running;
    const alone = () => this.#pay(orderId);
    const locks = globalThis.navigator?.locks;
    const paying = (locks ? locks.request(`lingdang-pay-${orderId}`, alone) : alone()).finally(() =>
      this.#underWay.delete(orderId),
    );
    this.#underWay.set(orderId, paying);
    return paying;
  }

  async #pay(orderId) {
    const kept = await this.kept.get(orderId);
    if (!kept) throw new Problem("order_unknown", { orderId });
    if (kept.state === "paid") return { ...kept.result, replayed: true };
    if (kept.sessionId !== this.sessions.current?.sessionId) return this.#ofAnotherSession(kept);
    const uncertain = kept.state === "paying";
    await this.kept.put({ ...kept, state: "paying" });
    try {
      return await this.#sendUntilAnswered(kept);
    } catch (problem) {
      return await this.#refused(kept, problem, uncertain);
    }
  }

  async #sendUntilAnswered(kept) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#sendOnce(kept);
      } catch (problem) {
        if (problem.code === "timestamp_skew" && attempt < 3) {
          await this.sessions.correctClock(problem.members.serverTime);
        } else if (NO_ANSWER.has(problem.code) && attempt < ATTEMPTS) {
          await this.pause(pauseAfter(attempt, problem.retryAfter));
        } else {
          throw problem;
        }
      }
    }
  }

  async #sendOnce({ order, ...kept }) {
    const session = this.sessions.current;
    if (!session) throw new Problem("signed_out");
    const productIds = order.lines.map((line) => line.productId);
    const fields = {
      productIds,
      timestamp: Math.floor(this.sessions.serverNow() / 1000),
      nonce: randomText(),
      orderToken: order.orderToken,
      signType: session.signType,
    };
    const signedString = stringToSign({ ...fields, custId: session.custId });
    const body = { ...fields, sign: await sign(signedString, session, this.loadMd5) };
    const request = { method: "POST", path: "/v1/payments", headers: this.sessions.headers(), body };
    this.step(4, "sign", { request, signedString, sign: body.sign });
    const answer = await this.transport.request(request).catch((problem) => {
      this.step(5, "pay", { request, problem });
      throw problem;
    });
    this.step(5, "pay", { request, answer });
    const result = { ...answer.body, replayed: answer.headers.get("idempotent-replayed") === "true" };
    await this.kept.put({ ...kept, order, state: "paid", result });
    this.step(6, "entitlements", { answer: { status: answer.status, body: result.entitlements } });
    return result;
  }

  async #refused(kept, problem, uncertain) {
    const { orderId } = kept.order;
    if (NO_ANSWER.has(problem.code)) throw new Problem("payment_unfinished", { orderId, detail: problem.message });
    if (uncertain && problem.code === "token_invalid") {
      const paid = await this.#paidBefore(kept);
      if (paid) return paid;
    }
    if (problem.code === "unauthenticated" || problem.code === "signed_out") throw problem;
    if (NEVER_PAYS.has(problem.code)) await this.kept.forget(orderId);
    else await this.kept.put({ ...kept, state: "offered" });
    throw problem;
  }

  /** A token pays in its own session alone; whether it did is told by the customer's orders. */
  async #ofAnotherSession(kept) {
    const paid = await this.#paidBefore(kept);
    if (paid) return paid;
    await this.kept.forget(kept.order.orderId);
    throw new Problem("cust_mismatch", { orderId: kept.order.orderId });
  }

  async #paidBefore(kept) {
    const path = `/v1/orders/${kept.order.orderId}`;
    const answer = await this.transport
      .request({ method: "GET", path, headers: this.sessions.headers() })
      .catch((problem) => {
        if (problem.code === "not_found") return null;
        throw problem;
      });
    if (!answer) return null;
    const { orderId, status, currency, total, balance, paidAt, lines } = answer.body;
    const entitlements = lines.map((line) => ({ productId: line.productId, grantedAt: paidAt }));
    const result = { orderId, status, currency, paid: total, balance, paidAt, entitlements, replayed: true };
    await this.kept.put({ ...kept, state: "paid", result });
    return result;
  }

  /** Every payment whose answer is missing, asked for again: `{orderId, result}` or `{orderId, problem}` of each. */
  async resume() {
    const outcomes = [];
    for (const orderId of await this.kept.ids()) {
      const kept = await this.kept.get(orderId).catch(() => null);
      if (kept?.state !== "paying") continue;
      outcomes.push(
        await this.pay(orderId).then(
          (result) => ({ orderId, result }),
          (problem) => ({ orderId, problem }),
        ),
      );
    }
    return outcomes;
  }
}

function pauseAfter(attempt, retryAfter) {
  const growing = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);
  return Math.max(growing, Math.min(LONGEST_PAUSE_MS, 1000 * (retryAfter ?? 0)));
}
