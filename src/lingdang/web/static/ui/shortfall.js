/**
 * What a wallet has in the currency of an offer, and what it lacks for it: `{balance, sufficient, shortfall}`. A debt
 * has to be paid too, but holds up nothing that is free.
 */
export function walletFor({ balances }, { currency, total }) {
  const { balance, debt } = balances.find((one) => one.currency === currency) ?? { balance: 0, debt: 0 };
  const shortfall = total ? Math.max(0, total - balance + debt) : 0;
  return { balance, sufficient: shortfall === 0, shortfall };
}

/** What of an offer's shortfall is a debt: a wallet in debt is empty. */
export const owedIn = ({ wallet: { balance, shortfall }, total }) => (shortfall ? balance + shortfall - total : 0);
