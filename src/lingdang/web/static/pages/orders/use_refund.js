import { useCallback, useState } from "../../html.js";
import { useAct } from "../../ui/act.js";
import { useLoad } from "../../ui/loading.js";
import { refundedOf } from "./refunds.js";

/**
 * The customer's own refund of an order, in two steps: choose books, then confirm what comes back.
 *
 * `{books, single, problem, again}` tell what can be chosen; `confirming` is null or what is to be confirmed:
 * `{productIds, shown, debt, changed}`, where `debt` is what the wallet owes and bells that come back pay first; `ask`, `confirm` and `keep` go from one to the other. What is sent names the products
 * that were shown, and only after the shop has just said the same figures once more. `tell` is told what became of it:
 * `{result}` or `{problem}`.
 */
export function useRefund({ shop, order, tell, again }) {
  const { orderId } = order;
  const told = useLoad(() => shop.refundable(orderId), [orderId, order.refunds.length]);
  const [confirming, setConfirming] = useState(null);
  const [refused, setRefused] = useState(null);

  /** Somebody else has changed the order, or the time is over: both are read anew, and why is said. */
  const startAnew = useCallback(
    (problem) => {
      setConfirming(null);
      tell({ problem });
      told.again();
      again();
    },
    [told.again, again],
  );

  const begin = () => (setRefused(null), tell(null));

  const [ask, isAsking] = useAct(async (productIds) => {
    begin();
    try {
      const [shown, debt] = await Promise.all([shop.refundable(orderId, productIds), debtOf(shop, order)]);
      if (!shown.refundable) startAnew(notAllowed(shown));
      else setConfirming({ productIds, shown, debt, refundId: crypto.randomUUID() });
    } catch (problem) {
      setRefused(problem);
    }
  });

  const [confirm, isSending] = useAct(async () => {
    begin();
    const { productIds, shown, debt, refundId, unanswered } = confirming;
    try {
      // Of one that was not answered the order tells whether it was taken: then it is sent again for its answer.
      if (!unanswered || !(await isTaken(shop, orderId, refundId))) {
        const now = await shop.refundable(orderId, productIds);
        if (!now.refundable) return startAnew(notAllowed(now));
        const changed = !isSame(now, shown);
        if (unanswered || changed) {
          return setConfirming({ productIds, shown: now, debt, refundId, changed, untaken: unanswered });
        }
      }
    } catch (problem) {
      return setRefused(problem);
    }
    try {
      const done = await shop.refund(orderId, refundId, { productIds });
      setConfirming(null);
      tell({ result: done });
      return again();
    } catch (problem) {
      if (problem.status === 409) return startAnew(problem);
      if (!isUnanswered(problem)) return setRefused(problem);
      return setConfirming({ ...confirming, unanswered: true });
    }
  });

  return {
    ...(told.data && choices(order, told.data)),
    problem: told.problem,
    again: told.again,
    refused,
    confirming,
    ask,
    confirm,
    keep: () => (begin(), setConfirming(null)),
    busy: isAsking || isSending,
  };
}

/**
 * The books that are not refunded yet, each with the reason against it, and whether they can be chosen one by one: an
 * order in which vouchers were used is refunded whole.
 */
function choices(order, { reasons }) {
  const gone = refundedOf(order);
  const left = order.lines.filter((line) => !gone.has(line.productId));
  const single = order.vouchers.length === 0;
  const whole = !single && left.some((line) => reasons[line.productId]) ? "voucher_order" : undefined;
  const books = left.map((line) => ({ line, reason: reasons.order ?? reasons[line.productId] ?? whole }));
  return { books, single, against: reasons.order };
}

/** What the wallet owes; 0 where it does not answer, which keeps nobody from a refund. */
async function debtOf(shop, { currency }) {
  const { balances } = await shop.wallet().catch(() => ({ balances: [] }));
  return balances.find((one) => one.currency === currency)?.debt ?? 0;
}

/** What `refundable` refuses, as a Problem of the refund itself would say it. */
function notAllowed({ reasons }) {
  const isGone = Object.values(reasons).every((reason) => reason === "already_refunded");
  return isGone
    ? { code: "already_refunded", members: { productIds: Object.keys(reasons) } }
    : { code: "refund_not_allowed", members: { reasons } };
}

const isTaken = async (shop, orderId, refundId) =>
  (await shop.order(orderId)).refunds.some((refund) => refund.by === "customer" && refund.refundId === refundId);

const isSame = (one, other) =>
  ["amount", "lines", "lots", "vouchers"].every((name) => JSON.stringify(one[name]) === JSON.stringify(other[name]));

/** Nobody said what became of it. */
const isUnanswered = ({ code, status }) => code === "connection_lost" || (status >= 500 && code !== "overloaded");
