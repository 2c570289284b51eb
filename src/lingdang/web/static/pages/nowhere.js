/** An address that the shop does not have. */
import { html } from "../html.js";
import { Icon } from "../ui/icon.js";

export const title = (t) => t("shell.nowhere");

export default ({ t }) =>
  html`<section class="door" data-test="nowhere">
    <p class="door-bell"><${Icon} name="bell" /></p>
    <h1>${t("shell.nowhere")}</h1>
    <p class="lead">${t("shell.nowhereText")}</p>
    <p class="ways centred">
      <a class="button main" href="/">${t("shell.toBooks")}</a><a class="button" href="/library">${t("shell.library")}</a>
    </p>
  </section>`;
