import { html } from "../../html.js";
import { loginAddress } from "../../login_address.js";
import { ProblemNotice } from "../../ui/notice.js";
import { text } from "../../ui/text.js";
import { topupAddress } from "../../ui/topup_address.js";

/** Why the order was not paid, and each way on from there. `sells` is whether bells can be bought here. */
export const Refusal = ({ problem, order, sells, t, lang }) =>
  html`<div data-test="result-failure">
    <${ProblemNotice} ...${{ problem, t, lang }} details=${html`<${Details} ...${{ problem, order, lang }} />`}>
      ${waysOf(problem, order, sells).map((way) => html`<${Way} key=${way} ...${{ way, problem, order, t }} />`)}
    <//>
  </div>`;

/** The books or vouchers that a refusal names. */
function Details({ problem, order, lang }) {
  const { productIds = [], reasons = {} } = problem.members ?? {};
  const lines = order.offer?.lines.filter((line) => productIds.includes(line.productId)) ?? [];
  const name = (id) => order.offer?.vouchers.find((voucher) => voucher.voucherId === id)?.name ?? id;
  if (lines.length === 0 && Object.keys(reasons).length === 0) return null;
  return html`<ul class="named">
    ${lines.map((line) => html`<li key=${line.productId}>${text(line.title)}</li>`)}
    ${Object.entries(reasons).map(([id, reason]) => html`<li key=${id}><b>${name(id)}</b>${`: ${reason[lang] ?? reason.code}`}</li>`)}
  </ul>`;
}

/** What can be done, the best first. Without an offer to show there is nothing to pay or to price anew. */
function waysOf({ code, members }, { offer }, sells) {
  const isEmpty = offer && remaining(offer, members?.productIds).length === 0;
  const isOpen = (way) => (way !== "without" || !isEmpty) && (way !== "topup" || sells);
  if (offer) return (WAYS[code] ?? ["retry", "cart"]).filter(isOpen);
  return (WAYS[code] ?? ["again", "cart"]).filter((way) => !NEEDS_OFFER.has(way));
}

const NEEDS_OFFER = new Set(["topup", "retry", "requote", "without"]);

const WAYS = {
  wallet_in_debt: ["topup", "retry", "wallet", "cart"],
  insufficient_bells: ["topup", "retry", "wallet", "cart"],
  token_expired: ["requote", "cart"],
  token_invalid: ["requote", "cart"],
  order_mismatch: ["requote", "cart"],
  cust_mismatch: ["requote", "cart"],
  voucher_unusable: ["requote", "cart"],
  already_owned: ["library", "without", "cart"],
  product_unavailable: ["without", "cart"],
  order_altered: ["cart"],
  order_unknown: ["cart"],
  unauthenticated: ["login"],
  signed_out: ["login"],
  payment_unfinished: ["ask"],
  outcome_unknown: ["ask"],
};

function Way({ way, problem, order, t }) {
  const text = t(`order.way.${way}`);
  const link = (href) => html`<a class="button" href=${href}>${text}</a>`;
  const act = (run) => html`<button class="button" disabled=${order.busy} onClick=${run}>${text}</button>`;
  switch (way) {
    case "again":
      return act(order.open);
    case "retry":
      return act(() => order.pay());
    case "ask":
      return act(() => order.pay("resumed"));
    case "requote":
      return act(() => order.quote());
    case "without":
      return act(() => order.quote({}, remaining(order.offer, problem.members.productIds)));
    case "topup":
      return link(topupAddress(order.orderId));
    case "login":
      return link(loginAddress(`/order/${order.orderId}`));
    default:
      return link({ cart: "/cart", library: "/library", wallet: "/wallet" }[way]);
  }
}

const remaining = (offer, productIds = []) =>
  offer.lines.map((line) => line.productId).filter((id) => !productIds.includes(id));
