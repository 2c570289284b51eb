import { Problem } from "./problem.js";
import { randomText, sign, stringToSign } from "./signing.js";

/** Refusals after which the same order can still be paid; after any other it needs another checkout. */
const STILL_PAYS = ["insufficient_bells", "wallet_in_debt", "sign_invalid", "timestamp_skew", "unauthenticated", "signed_out"];
const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 10000;

/**
 * Steps ④⑤⑥. The order's id is inside its token: the same payment may be sent any number of times, and is taken once.
 * Before the first sending the order is kept as `paying`; so a reload or a crash forgets nothing.
 */
export function payments({ who, send, kept, step, loadMd5, pause }) {
  const underWay = new Map();

  /** Pay a kept order; asked twice at the same time, also in another tab, it is sent once. */
  const pay = (orderId) => {
    const begin = () => alone(`lingdang-pay-${orderId}`, () => payAlone(orderId));
    if (!underWay.has(orderId)) underWay.set(orderId, begin().finally(() => underWay.delete(orderId)));
    return underWay.get(orderId);
  };

  const payAlone = async (orderId) => {
    who.headers(); // or signed_out
    const found = await kept.get(orderId);
    if (!found) throw new Problem("order_unknown", { orderId });
    if (found.state === "paid") return { ...found.result, replayed: true };
    if (!isOfSession(found)) return ofAnotherSession(found);
    await kept.put({ ...found, state: "paying" });
    try {
      return await sendUntilAnswered(found);
    } catch (problem) {
      return refused(found, problem);
    }
  };

  const isOfSession = ({ sessionId }) => sessionId === who.current()?.sessionId;

  const sendUntilAnswered = async (found) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await sendOnce(found);
      } catch (problem) {
        if (problem.code === "timestamp_skew" && attempt < 3) await who.correctClock(problem.members.serverTime);
        else if (unanswered(problem) && attempt < ATTEMPTS) await pause(pauseAfter(attempt, problem.retryAfter));
        else throw problem;
      }
    }
  };

  const sendOnce = async (found) => {
    if (!isOfSession(found)) throw new Problem("signed_out");
    const headers = who.headers();
    const session = who.current();
    const fields = {
      productIds: found.order.lines.map((line) => line.productId),
      timestamp: Math.floor(who.serverNow() / 1000),
      nonce: randomText(),
      orderToken: found.order.orderToken,
      signType: session.signType,
    };
    const signedString = stringToSign({ ...fields, custId: session.custId });
    const body = { ...fields, sign: await sign(signedString, session, loadMd5) };
    const request = { method: "POST", path: "/v1/payments", headers, body };
    step(4, "sign", { request, signedString, sign: body.sign });
    const answer = await send(request).catch((problem) => {
      step(5, "pay", { request, problem });
      throw problem;
    });
    step(5, "pay", { request, answer });
    const { entitlements } = answer.body;
    step(6, "entitlements", { answer: { status: answer.status, body: entitlements } });
    return paid(found, { ...answer.body, replayed: answer.headers.has("idempotent-replayed") });
  };

  const paid = async (found, result) => {
    await kept.put({ ...found, state: "paid", result });
    return result;
  };

  const refused = async (found, problem) => {
    const { orderId } = found.order;
    if (unanswered(problem)) throw new Problem("payment_unfinished", { orderId, detail: problem.message });
    // Without its session it is not known whether an earlier sending was taken, and who is signed in now is not asked.
    if (!isOfSession(found)) throw problem;
    // The token's key may have been retired since an earlier sending, of which nothing was heard.
    const result = found.state === "paying" && problem.code === "token_invalid" && (await paidBefore(found));
    if (result) return result;
    if (!STILL_PAYS.includes(problem.code)) await kept.forget(orderId);
    else await kept.put({ ...found, state: "offered" });
    throw problem;
  };

  /** A token pays in its own session alone; whether it did is told by the customer's orders. */
  const ofAnotherSession = async (found) => {
    const result = await paidBefore(found);
    if (result) return result;
    const { orderId } = found.order;
    await kept.forget(orderId);
    throw new Problem("cust_mismatch", { orderId });
  };

  const paidBefore = async (found) => {
    const path = `/v1/orders/${found.order.orderId}`;
    const answer = await send({ method: "GET", path, headers: who.headers() }).catch((problem) => {
      if (problem.code !== "not_found") throw problem;
    });
    if (!answer) return null;
    const { body } = answer;
    const entitlements = body.lines.map(({ productId }) => ({ productId, grantedAt: body.paidAt }));
    return paid(found, { ...body, paid: body.total, entitlements, replayed: true });
  };

  /** Every payment whose answer is missing, asked for again: `{orderId, result}` or `{orderId, problem}` of each. */
  const resume = async () => {
    const outcomes = [];
    for (const { order, state } of await kept.all()) {
      if (state !== "paying") continue;
      const { orderId } = order;
      const settled = pay(orderId).then(
        (result) => ({ orderId, result }),
        (problem) => ({ orderId, problem }),
      );
      outcomes.push(await settled);
    }
    return outcomes;
  };

  return { pay, resume };
}

/** Run `act` while no other tab runs one of this name; without a turn where the browser refuses locks with its storage. */
async function alone(name, act) {
  let begun = false;
  const once = () => ((begun = true), act());
  try {
    return await (globalThis.navigator?.locks?.request(name, once) ?? once());
  } catch (problem) {
    if (begun) throw problem;
    return once();
  }
}

/** Nobody said what became of it. */
const unanswered = ({ code, status }) => code === "connection_lost" || status === 429 || status >= 500;

function pauseAfter(attempt, retryAfter = 0) {
  const growing = FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
  return Math.min(LONGEST_PAUSE_MS, Math.max(growing, 1000 * retryAfter));
}
