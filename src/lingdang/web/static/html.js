/** What every component is written with: Preact, its hooks, and `html` as the template for markup. */
import htm from "./vendor/htm.js";
import { h } from "./vendor/preact.js";

export { Fragment, h, render } from "./vendor/preact.js";
export * from "./vendor/preact-hooks.js";
export const html = htm.bind(h);
