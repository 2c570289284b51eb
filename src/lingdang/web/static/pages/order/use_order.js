import { useEffect, useRef, useState } from "../../html.js";

/**
 * An order as its page goes through it.
 *
 * `phase`: `loading`, `offer` (it can be paid or changed), `quoting` (the shop prices it anew), `paying`, or `over`
 * (this offer pays no more; `quote` makes a new one). `problem` is the last refusal. `offer` stays shown through all of
 * them, so that a refused reader still sees what it was about.
 */
export function useOrder({ shop, orderId, navigate }) {
  const [state, setState] = useState({ phase: "loading", offer: null, problem: null, codeProblem: null });
  const change = (part) => setState((before) => ({ ...before, ...part }));
  const turn = useRef(0);
  const sending = useRef(false);

  const pay = async (how = "") => {
    if (sending.current) return;
    sending.current = true;
    change({ phase: "paying", problem: null });
    try {
      const result = await shop.pay(orderId);
      const told = result.replayed ? how || "replayed" : "";
      navigate(`/result/${orderId}${told && `?how=${told}`}`, { replace: true });
    } catch (problem) {
      change({ phase: ENDS.has(problem.code) ? "over" : "offer", problem });
    } finally {
      sending.current = false;
    }
  };

  const open = async () => {
    try {
      const kept = await shop.keptOrder(orderId);
      if (!kept || kept.state === "paid") return await openPaid(shop, orderId, navigate);
      change({ phase: "offer", offer: kept.order, problem: null });
      if (kept.state === "paying") await pay("resumed");
    } catch (problem) {
      change({ phase: "over", problem });
    }
    return undefined;
  };

  /** Have the order priced anew; of several wishes only the last one counts. */
  const quote = async (wishes = {}, productIds = idsOf(state.offer)) => {
    const mine = ++turn.current;
    change({ phase: "quoting", problem: null, codeProblem: null });
    try {
      const offer = await shop.checkout(productIds, wishes);
      if (mine !== turn.current) return shop.forgetOrder(offer.orderId);
      await shop.forgetOrder(orderId);
      change({ phase: "offer", offer });
      navigate(`/order/${offer.orderId}`, { replace: true });
    } catch (problem) {
      if (mine !== turn.current) return undefined;
      const about = wishes.couponCode ? { codeProblem: problem } : { problem };
      change({ phase: state.phase === "over" ? "over" : "offer", ...about });
    }
    return undefined;
  };

  useEffect(() => {
    if (state.offer?.orderId !== orderId) open();
  }, [orderId]);
  return { ...state, orderId, busy: state.phase === "quoting" || state.phase === "paying", pay, quote };
}

/** After these the offer never pays. */
const ENDS = new Set([
  "token_invalid",
  "token_expired",
  "order_mismatch",
  "order_altered",
  "order_unknown",
  "already_owned",
  "product_unavailable",
  "coupon_unusable",
  "cust_mismatch",
]);

const idsOf = (offer) => offer.lines.map((line) => line.productId);

/** An order that is not kept here as an offer: it has been paid, or nobody here knows it. */
async function openPaid(shop, orderId, navigate) {
  try {
    await shop.order(orderId);
  } catch (problem) {
    if (problem.code !== "not_found" && problem.code !== "invalid_request") throw problem;
    throw Object.assign(new Error("order_unknown"), { code: "order_unknown", members: {} });
  }
  navigate(`/result/${orderId}`, { replace: true });
}
