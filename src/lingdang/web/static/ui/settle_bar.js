/** What is ticked and what it costs, with the way onwards; it stays in sight at the foot of the screen. */
import { html } from "../html.js";
import { Bells } from "./bells.js";

/** @param {{selected: {count: number, total: number}, busy?: boolean, t: Function, lang: string, children: any}} props */
export const SettleBar = ({ selected, busy = false, t, lang, children }) =>
  html`<div class="settle-bar">
    <p class="running" aria-live="polite" aria-busy=${busy}>
      <span class="muted">${t("shell.chosen", { count: selected.count })}</span>
      <span data-test="running-total"><${Bells} amount=${selected.total} lang=${lang} t=${t} class="grand" /></span>
    </p>
    ${children}
  </div>`;
