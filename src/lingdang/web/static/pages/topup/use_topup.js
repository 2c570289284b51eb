import { useEffect, useState } from "../../html.js";

/** Seconds between two questions, while nothing changes. */
const PAUSES = [1, 1, 2, 2, 3, 5, 5, 10];
/** The longest pause that the shop can ask for, in seconds. */
const LONGEST = 3600;
/** After these there is no sense in asking again. */
const LASTING = new Set(["not_found", "unauthenticated", "signed_out", "invalid_request"]);

/**
 * A top-up, asked for again and again until it is decided: `{topup, problem}`. A page that nobody looks at does not
 * ask; one that is looked at again asks at once, but never before the shop's `Retry-After`.
 */
export function useTopup(shop, topupId) {
  const [state, setState] = useState({});
  useEffect(() => {
    let wanted = true;
    let timer;
    let turn = 0;
    let asking = false;
    let notBefore = 0;
    const later = (seconds = 0) => {
      notBefore = performance.now() + 1000 * Math.min(LONGEST, seconds);
      timer = setTimeout(ask, PAUSES[Math.min(turn, PAUSES.length - 1)] * 1000);
      turn += 1;
    };
    const ask = async () => {
      clearTimeout(timer);
      if (asking || !wanted || document.visibilityState === "hidden") return;
      const rest = notBefore - performance.now();
      if (rest > 0) {
        timer = setTimeout(ask, rest);
        return;
      }
      asking = true;
      try {
        const topup = await shop.topup(topupId);
        if (wanted) setState({ topup });
        if (wanted && topup.status === "pending") later();
      } catch (problem) {
        if (wanted) setState((before) => ({ ...before, problem }));
        if (wanted && !LASTING.has(problem.code)) later(problem.retryAfter);
      } finally {
        asking = false;
      }
    };
    const look = () => {
      turn = 0;
      ask();
    };
    document.addEventListener("visibilitychange", look);
    look();
    return () => {
      wanted = false;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [topupId]);
  return state;
}
