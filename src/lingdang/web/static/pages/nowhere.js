/** An address that the shop does not have. */
import { html } from "../html.js";

export const title = (t) => t("shell.nowhere");

export default ({ t }) =>
  html`<section class="notice">
    <h1>${t("shell.nowhere")}</h1>
    <p><a class="button" href="/">${t("shell.toBooks")}</a></p>
  </section>`;
