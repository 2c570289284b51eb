/** My books: everything that the customer may read. */
import { html } from "../html.js";
import { formatTime } from "../i18n.js";
import { Cover } from "../ui/cover.js";
import { Guard } from "../ui/guard.js";
import { Icon } from "../ui/icon.js";
import { Growing, usePages } from "../ui/loading.js";
import { productAddress } from "../ui/product_address.js";
import { readAddress } from "../ui/reading.js";
import { split, text } from "../ui/text.js";

export const title = (t) => t("reading.library");

export default function Library({ shop, t, lang }) {
  const pages = usePages((cursor) => booksOf(shop, cursor), []);
  return html`
    <div class="page-head"><h1>${t("reading.library")}</h1></div>
    <${Growing} pages=${pages} t=${t} lang=${lang} empty=${html`<${Empty} t=${t} />`}>
      <ul class="opened">
        ${pages.items.map(
          (book) => html`<${Guard} key=${book.productId} of=${book} instead=${html`<li>${t("shell.notShown")}</li>`}>
            <${Book} book=${book} t=${t} lang=${lang} />
          <//>`,
        )}
      </ul>
    <//>
  `;
}

/** A page of the entitlements, each with what the catalogue says of its book; a withdrawn one is named by its id. */
async function booksOf(shop, cursor) {
  const page = await shop.library({ limit: 24, cursor });
  const items = await Promise.all(
    page.items.map(async (right) => ({
      title: right.productId,
      ...(await shop.product(right.productId).catch(() => null)),
      ...right,
    })),
  );
  return { ...page, items };
}

const Book = ({ book, t, lang }) => html`<li data-test="entitlement">
  <a href=${readAddress(book.productId, book.orderId)} data-product-id=${book.productId}>
    <${Cover} product=${book} />
    <span class="opened-title">${split(book.title)[0]}</span>
    <span class="opened-read">${t("reading.read")}</span>
  </a>
  <a class="about" href=${productAddress(book.productId)}>
    ${t("reading.about")}<span class="aside">${`: ${text(book.title)}`}</span>
  </a>
  <span class="small-print">${formatTime(lang, book.grantedAt)}</span>
</li>`;

const Empty = ({ t }) => html`<div class="empty">
  <${Icon} name="library" />
  <p>${t("reading.none")}</p>
  <p><a class="button main" href="/">${t("shell.toBooks")}</a></p>
</div>`;
