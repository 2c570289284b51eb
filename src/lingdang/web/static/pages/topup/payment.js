import { html, useEffect, useState } from "../../html.js";
import { formatTime } from "../../i18n.js";

/** How a top-up is paid that waits for it: at another page, or by scanning. */
export function Payment({ topup: { action, expiresAt }, t, lang }) {
  return html`<section class="sheet payment" aria-label=${t("topup.payment")}>
    ${
      action.kind === "redirect" &&
      html`<a class="button main wide" data-test="topup-go" href=${action.url} target="_self">${t("topup.go")}</a>`
    }
    ${action.kind === "qr" && html`<${Code} url=${action.url} t=${t} />`}
    <p class="small-print">${t("topup.until", { time: formatTime(lang, expiresAt) })}</p>
  </section>`;
}

function Code({ url, t }) {
  const [code, draw] = useState(null);
  useEffect(() => {
    let wanted = true;
    import("../../vendor/lean-qr.js").then(
      ({ generate }) => wanted && draw(generate(url)),
      () => {}, // the address below says the same
    );
    return () => (wanted = false);
  }, [url]);
  return html`
    <p>${t(url.startsWith("weixin:") ? "topup.scanWechat" : "topup.scan")}</p>
    ${code && html`<${Squares} code=${code} name=${t("topup.code")} />`}
    <p class="small-print">${t("topup.orAddress")}</p>
    <p class="code-text" translate="no">${url}</p>
  `;
}

/** A code as one path of squares, dark on light in every theme, in the margin of four that a camera needs. */
function Squares({ code, name }) {
  const whole = code.size + 8;
  const places = [...Array(code.size).keys()];
  const path = places.flatMap((y) => places.filter((x) => code.get(x, y)).map((x) => `M${x + 4} ${y + 4}h1v1h-1z`));
  return html`<svg class="qr" data-test="qr" role="img" aria-label=${name} viewBox=${`0 0 ${whole} ${whole}`}>
    <rect width=${whole} height=${whole} fill="#fff" />
    <path d=${path.join("")} fill="#000" />
  </svg>`;
}
