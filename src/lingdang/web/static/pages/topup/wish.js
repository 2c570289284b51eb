/** What a reader can buy here, and what they chose of it. */
import { priceOf } from "../../ui/money.js";
import { walletFor } from "../../ui/shortfall.js";

/**
 * `{packages, missing, currency, owed}`: what is sold on the web, what is missing for an order that is kept here, and
 * `[{currency, debt}]` that bells of these packages would pay first. An order that is not kept, or that others keep, is
 * none.
 */
export async function forSale(shop, orderId) {
  const [{ items }, wallet, kept] = await Promise.all([
    shop.topupPackages(),
    shop.wallet(),
    orderId ? shop.keptOrder(orderId).catch(() => null) : null,
  ]);
  const offered = items
    .map((one) => ({ ...one, providers: one.providers.filter(({ channels }) => channels.includes("web")) }))
    .filter((one) => one.providers.length > 0);
  const currency = kept?.order.currency;
  const packages = kept ? offered.filter((one) => one.currency === currency) : offered;
  const owed = wallet.balances.filter(({ debt, ...one }) => debt > 0 && packages.some((sold) => sold.currency === one.currency));
  return { packages, missing: kept ? walletFor(wallet, kept.order).shortfall : 0, currency, owed };
}

/** What a package costs; null for a free amount that it does not sell. */
export function moneyOf(one, amount) {
  if (!one.perBell) return one.price;
  return Number.isInteger(amount) && amount >= one.least && amount <= one.most ? priceOf(one, amount) : null;
}

/** What the reader is shown of a package that is sold: the shop begins nothing where it is something else by now. */
export const termsOf = (one, amount) => ({
  currency: one.currency,
  paid: one.perBell ? amount : one.paid,
  bonus: one.bonus,
  bonusExpiresAfterDays: one.bonusExpiresAfterDays,
  price: moneyOf(one, amount),
});

/** The choice to begin with: exactly what is missing, or the smallest package that has it, or the first one. */
export function first(packages, missing) {
  const exact = packages.find(({ perBell, most }) => perBell && missing > 0 && missing <= most);
  if (exact) return { packageId: exact.packageId, amount: String(Math.max(missing, exact.least)) };
  const large = packages.filter((one) => !one.perBell && one.paid + one.bonus >= missing);
  const smallest = large.sort((one, other) => one.paid + one.bonus - other.paid - other.bonus)[0];
  return { packageId: (smallest ?? packages[0])?.packageId, amount: "" };
}

/** A figure that was typed, as a whole number; NaN for anything else. */
export const typed = (text) => (/^[0-9]{1,16}$/.test(text.trim()) ? Number(text) : NaN);
