import { html } from "../../html.js";
import { Bells, Price } from "../../ui/bells.js";
import { Cover } from "../../ui/cover.js";
import { Guard } from "../../ui/guard.js";
import { productAddress } from "../../ui/product_address.js";
import { split, text } from "../../ui/text.js";

/** What is bought: each book with its price, what the vouchers take off it, and what is paid for it. */
export const Lines = ({ lines, currency, t, lang }) =>
  html`<section class="sheet flush" aria-labelledby="lines">
    <h2 class="sheet-head" id="lines">${t("order.lines", { count: lines.length })}</h2>
    <ul class="rows">
      ${lines.map(
        (line) =>
          html`<${Guard} key=${line.productId} of=${line} instead=${html`<li class="row">${t("shell.notShown")}</li>`}>
            <${Line} ...${{ line, currency, t, lang }} />
          <//>`,
      )}
    </ul>
  </section>`;

function Line({ line, currency, t, lang }) {
  const [name, series] = split(line.title);
  const publisher = text(line.publisher);
  const bells = { currency, t, lang };
  return html`<li class="row line" data-test="order-line" data-product-id=${line.productId}>
    <${Cover} product=${line} class="tiny" />
    <div class="row-text">
      <h3><a href=${productAddress(line.productId)}>${name}</a></h3>
      ${series && html`<p class="series">${series}</p>`} ${publisher && html`<p class="by">${publisher}</p>`}
      <p class="intro">${text(line.intro)}</p>
    </div>
    <div class="row-price">
      <p><${Price} price=${line.price} listPrice=${line.listPrice} ...${bells} /></p>
      ${
        line.discount > 0 &&
        html` <p class="saved">${t("order.voucher")} <${Bells} amount=${-line.discount} ...${bells} /></p>
          <p>
            ${t("order.payable")} <b><${Bells} amount=${line.payable} ...${bells} /></b>
          </p>`
      }
    </div>
  </li>`;
}
