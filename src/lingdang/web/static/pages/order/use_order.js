import { Problem } from "/sdk/index.js";
import { useEffect, useRef, useState } from "../../html.js";
import { walletFor } from "../../ui/shortfall.js";

/**
 * An order as its page goes through it.
 *
 * `phase`: `loading`, `offer` (it can be paid or changed), `quoting` (the shop prices it anew), `paying`, or `over`
 * (this offer pays no more; `quote` makes a new one). `problem` is the last refusal, `codeProblem` that of a voucher's
 * code, `note` the key of what else the reader should know. `offer` stays shown through all of
 * them, so that a refused reader still sees what it was about.
 */
export function useOrder({ shop, orderId, navigate }) {
  const [state, setState] = useState({ phase: "loading", offer: null, problem: null, codeProblem: null, note: null });
  const change = (part) => setState((before) => ({ ...before, ...part }));
  const turn = useRef(0);
  const sending = useRef(false);

  const pay = async (how = "") => {
    if (sending.current) return;
    sending.current = true;
    change({ phase: "paying", problem: null, note: null });
    try {
      const { replayed } = await shop.pay(orderId);
      const told = how || (replayed ? "replayed" : "");
      navigate(`/result/${orderId}${told && `?how=${told}`}`, { replace: true });
    } catch (problem) {
      change({ phase: ENDS.has(problem.code) ? "over" : "offer", problem });
      if (SHORT.has(problem.code) && state.offer) await lookIntoWallet(state.offer);
    } finally {
      sending.current = false;
    }
  };

  /** Have the order priced anew; of several wishes only the last one counts. Answers the offer, if there is one. */
  const quote = async (wishes = {}, productIds = idsOf(state.offer)) => {
    const mine = ++turn.current;
    change({ phase: "quoting", problem: null, codeProblem: null, note: null });
    try {
      const offer = await shop.checkout(productIds, wishes);
      await shop.forgetOrder(mine === turn.current ? orderId : offer.orderId);
      if (mine !== turn.current) return null;
      change({ phase: "offer", offer });
      navigate(`/order/${offer.orderId}`, { replace: true });
      return offer;
    } catch (problem) {
      if (mine !== turn.current) return null;
      const about = wishes.voucherCode ? { codeProblem: problem } : { problem };
      change({ phase: state.phase === "over" ? "over" : "offer", ...about });
      return null;
    }
  };

  /** A kept offer knows the wallet of its own time; there may have been a top-up since. */
  const lookIntoWallet = async (offered) => {
    const found = await shop.wallet().catch(() => null);
    if (!found) return;
    const wallet = walletFor(found, offered);
    setState((now) => (now.offer?.orderId === orderId ? { ...now, offer: { ...now.offer, wallet } } : now));
  };

  const open = async () => {
    try {
      const kept = await shop.keptOrder(orderId);
      if (!kept || kept.state === "paid") return await openPaid(shop, orderId, navigate);
      change({ phase: "offer", offer: kept.order, problem: null });
      if (kept.state === "paying") return await pay("resumed");
      // An offer is of one sign-in: whoever comes back through the login gets a new one at once.
      if (kept.sessionId === shop.session.sessionId) await lookIntoWallet(kept.order);
      else if (await quote({}, idsOf(kept.order))) change({ note: "order.renewed" });
    } catch (problem) {
      change({ phase: "over", problem });
    }
    return undefined;
  };

  // Bells may come while the reader looks elsewhere, and are seen as soon as they look here again.
  useEffect(() => {
    if (state.phase !== "offer") return undefined;
    const look = () => document.visibilityState === "visible" && lookIntoWallet(state.offer);
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [state.phase, state.offer]);

  useEffect(() => {
    if (state.offer?.orderId !== orderId) open();
  }, [orderId]);
  return { ...state, orderId, busy: state.phase === "quoting" || state.phase === "paying", pay, quote, open };
}

/** After these the wallet is not what was shown. */
const SHORT = new Set(["insufficient_bells", "wallet_in_debt"]);

/** After these the offer never pays. */
const ENDS = new Set([
  "token_invalid",
  "token_expired",
  "order_mismatch",
  "order_altered",
  "order_unknown",
  "already_owned",
  "product_unavailable",
  "voucher_unusable",
  "cust_mismatch",
]);

const idsOf = (offer) => offer.lines.map((line) => line.productId);

/** An order that is not kept here as an offer: it has been paid, or nobody here knows it. */
async function openPaid(shop, orderId, navigate) {
  try {
    await shop.order(orderId);
  } catch (problem) {
    if (problem.code !== "not_found" && problem.code !== "invalid_request") throw problem;
    throw new Problem("order_unknown", { orderId });
  }
  navigate(`/result/${orderId}`, { replace: true });
}
