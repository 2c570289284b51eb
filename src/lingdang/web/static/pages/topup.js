/** Bells for real money: choose how many and pay for them, or see what has become of a top-up. */
import { html } from "../html.js";
import { Choosing } from "./topup/choosing.js";
import { Following } from "./topup/following.js";

export const title = (t) => t("topup.title");

export default function TopUp(props) {
  const { topupId } = props.params;
  return topupId
    ? html`<${Following} key=${topupId} ...${props} topupId=${topupId} />`
    : html`<${Choosing} ...${props} />`;
}
