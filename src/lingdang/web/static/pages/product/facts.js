/** What a catalogue says of a product beside its title and price: its publisher, and whatever attributes it has. */
import { html } from "../../html.js";
import { formatNumber } from "../../i18n.js";
import { rating, text } from "../../ui/text.js";

export function Facts({ product, t, lang }) {
  const facts = [[t("product.publisher"), text(product.publisher)], ...attributesOf(product, t, lang)].filter(
    ([, said]) => said,
  );
  if (facts.length === 0) return null;
  return html`<h2>${t("product.facts")}</h2>
    <dl class="facts" data-test="product-facts">
      ${facts.map(([label, said], place) => html`<div key=${place}><dt>${label}</dt><dd>${said}</dd></div>`)}
    </dl>`;
}

/** Attributes that these pages know, in the order in which they are shown. */
const KNOWN = ["authors", "year", "language", "isbn10", "averageRating", "ratingsCount"];

/** Attributes are the platform's own: those that these pages do not know come last, and are called by their names. */
function attributesOf(product, t, lang) {
  const given = product.attributes ?? {};
  const names = new Set([...KNOWN.filter((name) => Object.hasOwn(given, name)), ...Object.keys(given)]);
  return [...names].map((name) => [labelOf(name, t), saidOf(name, given[name], t, lang)]);
}

function labelOf(name, t) {
  const key = `product.fact.${name}`;
  return t(key) === key ? text(name) : t(key);
}

function saidOf(name, value, t, lang) {
  if (typeof value === "boolean") return t(value ? "product.yes" : "product.no");
  if (name === "averageRating") return rating(value) || text(value);
  if (name === "ratingsCount" && typeof value === "number") return formatNumber(lang, value);
  return text(value);
}
