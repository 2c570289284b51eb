/** A problem, told to a reader: what happened, whether bells were taken, and what to do. */
import { html } from "../html.js";
import { formatNumber } from "../i18n.js";

/**
 * @param {{problem: {code: string, message: string, members: object}, t: Function, lang: string, about?: string,
 *   details?: any, children?: any}} props `about` is the area whose own texts come first; `details` is what the problem
 *   names; `children` are the ways out: links and buttons
 */
export function ProblemNotice({ problem, t, lang, about, details, children }) {
  const { heading, advice } = explain(problem, t, lang, about);
  return html`<section class="notice bad" role="alert" data-code=${problem.code}>
    <h2>${heading}</h2>
    <p>${advice}</p>
    ${details} ${children && html`<div class="ways">${children}</div>`}
  </section>`;
}

/**
 * The texts `problem.<code>` and `advice.<code>`; a code that has none is told in the shop's own words. The texts
 * `<about>.advice.<code>` come before: what a payment's reader is told may be wrong elsewhere.
 */
export function explain(problem, t, lang, about) {
  const members = problem.members ?? {};
  const figures = Object.entries(members).map(([name, value]) => [
    name,
    typeof value === "number" ? formatNumber(lang, value) : value,
  ]);
  const given = { retryAfter: t("shell.aFew"), ...Object.fromEntries(figures) };
  const known = t(`problem.${problem.code}`) !== `problem.${problem.code}`;
  const own = `${about}.advice.${problem.code}`;
  const advice = known ? t(`advice.${problem.code}`, given) : (members.detail ?? problem.message);
  return {
    heading: known ? t(`problem.${problem.code}`, given) : t("problem.other"),
    advice: t(own) === own ? advice : t(own, given),
  };
}

/** The shop's own reasons where it gives some, in the reader's language; else "". */
export const reasonsOf = ({ members }, lang) =>
  Object.values(members?.reasons ?? {})
    .map((reason) => reason[lang] ?? reason.code)
    .join(" ");
