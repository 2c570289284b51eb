/** A cover drawn from what is known of a book: its title, its author, and colours that its id always gets again. */
import { html } from "../html.js";
import { split, text } from "./text.js";

const CLOTHS = 10;
const PATTERNS = 4;

/** @param {{product: {productId: string, title: string, attributes?: object, publisher?: string}}} props */
export function Cover({ product, class: kind = "" }) {
  const number = hash(text(product.productId));
  const look = `cloth-${number % CLOTHS} pattern-${Math.floor(number / CLOTHS) % PATTERNS}`;
  const [title, series] = split(product.title);
  const by = text(product.attributes?.authors).split(",")[0] || text(product.publisher);
  return html`<span class=${`cover ${look} ${kind}`} aria-hidden="true">
    <span class="cover-title">${title}</span>
    ${series && html`<span class="cover-series">${series}</span>`}
    <span class="cover-by">${by}</span>
  </span>`;
}

/** FNV-1a: neighbouring ids look nothing alike. */
function hash(text) {
  let value = 0x811c9dc5;
  for (const letter of text) value = Math.imul(value ^ letter.codePointAt(0), 0x01000193) >>> 0;
  return value >>> 8;
}
