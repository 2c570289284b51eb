/**
 * A book, open. Its text comes through the access check alone: who does not own it is told so. Opening a book for the
 * first time ends its refund, so whoever would lose one is asked before.
 */
import { html, useEffect, useRef, useState } from "../html.js";
import { Loading, useLoad } from "../ui/loading.js";
import { ProblemNotice } from "../ui/notice.js";
import { text } from "../ui/text.js";
import { endedByOpening } from "./reader/unopened.js";

export const title = (t) => t("reading.reader");

export default function Reader({ shop, params, query, config, t, lang }) {
  const { productId } = params;
  const [agreed, agree] = useState(null);
  const { data, problem, again } = useLoad(async () => {
    const ended = agreed !== productId && config.refundDays > 0 && (await endedByOpening(shop, productId, query.get("order")));
    return ended ? { ended } : { book: await shop.request("GET", `/v1/read/${encodeURIComponent(productId)}`) };
  }, [productId, agreed]);
  const heading = useRef(null);
  useEffect(() => {
    if (agreed) heading.current?.focus({ preventScroll: true }); // the button that was pressed is gone
  }, [data?.book]);
  if (problem) {
    return html`<h1 class="aside">${t("reading.reader")}</h1>
      <${ProblemNotice} problem=${problem} t=${t} lang=${lang}>
        ${problem.code === "not_entitled"
          ? html`<a class="button main" href="/">${t("shell.toBooks")}</a>`
          : html`<button class="button" onClick=${again}>${t("shell.again")}</button>`}
        <a class="button" href="/library">${t("reading.library")}</a>
      <//>`;
  }
  if (data?.ended && agreed !== productId) return html`<${Asked} ended=${data.ended} open=${() => agree(productId)} t=${t} />`;
  if (!data?.book) return html`<${Loading} t=${t} />`;
  return html`<article class="page-of-text">
    <h1 tabindex="-1" ref=${heading}>${text(data.book.title)}</h1>
    <div data-test="reader-text">
      ${String(data.book.text).split(/\n\s*\n/).map((paragraph, place) => html`<p key=${place}>${paragraph}</p>`)}
    </div>
    <p class="ways"><a class="button" href="/library">${t("reading.library")}</a></p>
  </article>`;
}

const Asked = ({ ended, open, t }) => html`<section class="notice" data-test="unopened">
  <h1>${t("refund.opening")}</h1>
  <p>${t(ended.whole ? "refund.openingEndsOrder" : "refund.openingEnds")}</p>
  <div class="ways">
    <button class="button main" onClick=${open} data-test="open-book">${t("refund.open")}</button>
    <a class="button" href=${`/orders/${encodeURIComponent(ended.orderId)}`}>${t("refund.toOrder")}</a>
  </div>
</section>`;
