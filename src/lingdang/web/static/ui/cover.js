/** A cover drawn from what is known of a book: its title, its author, and colours that its id always gets again. */
import { html } from "../html.js";

const CLOTHS = 10;
const PATTERNS = 4;

/** @param {{product: {productId: string, title: string, attributes?: {authors?: string}, publisher?: string}}} props */
export function Cover({ product, class: kind = "" }) {
  const number = hash(product.productId);
  const look = `cloth-${number % CLOTHS} pattern-${Math.floor(number / CLOTHS) % PATTERNS}`;
  const [title, series] = split(product.title);
  const by = product.attributes?.authors?.split(",")[0] ?? product.publisher ?? "";
  return html`<span class=${`cover ${look} ${kind}`} aria-hidden="true">
    <span class="cover-title">${title}</span>
    ${series && html`<span class="cover-series">${series}</span>`}
    <span class="cover-by">${by}</span>
  </span>`;
}

/** `The Hunger Games (The Hunger Games, #1)` as its title and its series. */
export function split(title) {
  const parts = /^(.+?)\s*\(([^()]*#[^()]*)\)$/.exec(title);
  return parts ? [parts[1], parts[2]] : [title, ""];
}

/** FNV-1a: neighbouring ids look nothing alike. */
function hash(text) {
  let value = 0x811c9dc5;
  for (const letter of text) value = Math.imul(value ^ letter.codePointAt(0), 0x01000193) >>> 0;
  return value >>> 8;
}
