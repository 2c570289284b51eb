import { formatNumber } from "../../i18n.js";
import { amountText } from "../../ui/bells.js";
import { byDebt } from "../../ui/debt.js";

/** The states whose money went back, in part or whole. */
const GONE = new Set(["partly_refunded", "refunded", "lost"]);

/**
 * What has become of a top-up, in sentences: `{heading, lines}`. What is said of its bells is what moved them, for
 * bells that were spent cannot be taken back, and those that come into a debt are never in the wallet.
 */
export function toldOf(topup, t, lang) {
  const { status, bells } = topup;
  const moved = status === "paid" && bells && (bells.debtPaid > 0 || bells.taken > 0);
  return {
    heading: t(moved ? "topup.paidAlone" : `topup.status.${status}`),
    lines: status === "paid" ? credited(topup, t, lang) : [t(`topup.told.${status}`), ...gone(topup, t, lang)],
  };
}

function credited(topup, t, lang) {
  const { paid, bonus, currency, bells } = topup;
  if (!bells) return [];
  const whole = paid + bonus;
  const { debtPaid } = bells;
  const given = { amount: amountText(t, lang, whole, currency), debt: formatNumber(lang, debtPaid) };
  const came = byDebt(debtPaid, whole, ["topup.inWallet", "topup.paidDebt", "topup.paidDebtAlone"]);
  return [t(came, given), ...takenBack(topup, t, lang)];
}

function gone(topup, t, lang) {
  const { status, currency, bells } = topup;
  if (status !== "disputed" && !GONE.has(status)) return [];
  if (!bells) return [t("topup.notCredited")];
  const frozen = { amount: amountText(t, lang, bells.frozen, currency) };
  if (status === "disputed") {
    return [t(bells.frozen > 0 ? "topup.frozen" : "topup.noneFrozen", frozen), ...takenBack(topup, t, lang)];
  }
  return bells.taken > 0 ? takenBack(topup, t, lang) : [t("topup.noneTakenBack")];
}

function takenBack({ currency, bells: { taken, owed } }, t, lang) {
  const said = (key, count) => count > 0 && t(key, { amount: amountText(t, lang, count, currency) });
  return [said("topup.takenBack", taken - owed), said("topup.owed", owed)].filter(Boolean);
}
