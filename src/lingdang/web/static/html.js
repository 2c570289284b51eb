/**
 * What every component is written with: Preact, its hooks, and `html` as the template for markup.
 *
 * Who has a page translated gets elements of the translator's in the place of its text nodes, and Preact would go on
 * writing into nodes that nobody sees. So no text node is Preact's: every text is the `textContent` of an element, and
 * setting that replaces whatever a translator has put there.
 */
import htm from "./vendor/htm.js";
import { h } from "./vendor/preact.js";

export { Component, Fragment, h, render } from "./vendor/preact.js";
export * from "./vendor/preact-hooks.js";

const isText = (child) => typeof child === "string" || typeof child === "number";
const isNothing = (child) => child === null || child === undefined || typeof child === "boolean";

function element(type, props, ...children) {
  if (typeof type !== "string") return h(type, props, ...children);
  const onlyText = children.some(isText) && children.every((child) => isText(child) || isNothing(child));
  if (onlyText) return h(type, { ...props, textContent: children.filter(isText).join("") });
  return h(type, props, ...children.map(housed));
}

/** A text beside elements, in an element that has no box of its own. */
function housed(child) {
  if (Array.isArray(child)) return child.map(housed);
  return isText(child) ? h("span", { class: "text", textContent: String(child) }) : child;
}

const markup = htm.bind(element);
export const html = (...template) => housed(markup(...template));
