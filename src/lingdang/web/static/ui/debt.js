/** Of three texts the one for bells that came in: none of them paid a debt, some did, or all. */
export const byDebt = (debtPaid, whole, [none, part, all]) => (debtPaid === 0 ? none : debtPaid < whole ? part : all);
