/** A book, open. Its text comes through the access check alone: who does not own it is told so. */
import { html } from "../html.js";
import { Loading, useLoad } from "../ui/loading.js";
import { ProblemNotice } from "../ui/notice.js";
import { text } from "../ui/text.js";

export const title = (t) => t("reading.reader");

export default function Reader({ shop, params, t, lang }) {
  const { data, problem, again } = useLoad(
    () => shop.request("GET", `/v1/read/${encodeURIComponent(params.productId)}`),
    [params.productId],
  );
  if (problem) {
    return html`<h1 class="aside">${t("reading.reader")}</h1>
      <${ProblemNotice} problem=${problem} t=${t} lang=${lang}>
        ${problem.code === "not_entitled"
          ? html`<a class="button main" href="/">${t("shell.toBooks")}</a>`
          : html`<button class="button" onClick=${again}>${t("shell.again")}</button>`}
        <a class="button" href="/library">${t("reading.library")}</a>
      <//>`;
  }
  if (!data) return html`<${Loading} t=${t} />`;
  return html`<article class="page-of-text">
    <h1>${text(data.title)}</h1>
    <div data-test="reader-text">
      ${String(data.text).split(/\n\s*\n/).map((paragraph, place) => html`<p key=${place}>${paragraph}</p>`)}
    </div>
    <p class="ways"><a class="button" href="/library">${t("reading.library")}</a></p>
  </article>`;
}
