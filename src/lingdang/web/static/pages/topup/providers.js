/** How a reader calls an account at a provider; two of one kind are told apart by the shop's own names. */
export function providerName(t, { provider, kind }, others) {
  const key = `topup.provider.${kind}`;
  const known = t(key) === key ? provider : t(key);
  return others.some((one) => one.provider !== provider && one.kind === kind) ? `${known} · ${provider}` : known;
}
