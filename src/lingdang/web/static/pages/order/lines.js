import { html } from "../../html.js";
import { Bells, Price } from "../../ui/bells.js";
import { Cover, split } from "../../ui/cover.js";

/** What is bought: each book with its price, what the vouchers take off it, and what is paid for it. */
export const Lines = ({ lines, t, lang }) =>
  html`<section class="sheet flush" aria-labelledby="lines">
    <h2 class="sheet-head" id="lines">${t("order.lines", { count: lines.length })}</h2>
    <ul class="rows">
      ${lines.map((line) => html`<${Line} key=${line.productId} line=${line} t=${t} lang=${lang} />`)}
    </ul>
  </section>`;

function Line({ line, t, lang }) {
  const [name, series] = split(line.title);
  return html`<li class="row line" data-test="order-line" data-product-id=${line.productId}>
    <${Cover} product=${line} class="tiny" />
    <div class="row-text">
      <h3>${name}</h3>
      ${series && html`<p class="series">${series}</p>`} ${line.publisher && html`<p class="by">${line.publisher}</p>`}
      <p class="intro">${line.intro}</p>
    </div>
    <div class="row-price">
      <p><${Price} price=${line.price} listPrice=${line.listPrice} lang=${lang} t=${t} /></p>
      ${
        line.discount > 0 &&
        html` <p class="saved">${t("order.voucher")} <${Bells} amount=${-line.discount} lang=${lang} t=${t} /></p>
          <p>
            ${t("order.payable")} <b><${Bells} amount=${line.payable} lang=${lang} t=${t} /></b>
          </p>`
      }
    </div>
  </li>`;
}
