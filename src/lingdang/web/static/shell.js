/** What surrounds every page: the head with its navigation and switches, and the foot. */
import { html, useEffect, useRef, useState } from "./html.js";
import { loginAddress } from "./login_address.js";
import { keep } from "./preferences_kept.js";
import { sold, withItem } from "./ui/chosen.js";
import { Icon } from "./ui/icon.js";
import { explain } from "./ui/notice.js";

const PLACES = [
  { path: "/", icon: "books", key: "shell.books" },
  { path: "/cart", icon: "cart", key: "shell.cart" },
  { path: "/library", icon: "library", key: "shell.library" },
  { path: "/orders", icon: "orders", key: "shell.orders" },
  { path: "/wallet", icon: "bell", key: "shell.wallet" },
];

export function Shell({ shop, session, address, visit, resumed, navigate, t, lang, speak, config, children }) {
  const path = address.split("?")[0];
  const count = useCartCount(shop, session, path);
  const main = useFocusOn(visit);
  const durable = useDurable(shop);
  return html`
    <a class="skip" href="#main">${t("shell.skip")}</a>
    <header class="head">
      <div class="head-row">
        <a class="brand" href="/"><${Icon} name="bell" /> <span>${t("shell.name")}</span></a>
        <${Places} t=${t} path=${path} count=${count} />
        <div class="switches">
          <button
            class="quiet"
            data-test="lang-switch"
            lang=${lang === "zh" ? "en" : "zh-CN"}
            onClick=${() => speak(lang === "zh" ? "en" : "zh")}
          >
            ${lang === "zh" ? "English" : "中文"}
          </button>
          <${ThemeSwitch} t=${t} />
          <${Account} ...${{ shop, session, address, navigate, t }} />
        </div>
      </div>
    </header>
    <div class="stage">
      <main id="main" tabindex="-1" ref=${main}>
        ${!durable && html`<p class="notice" role="status" data-test="not-kept">${t("shell.notKept")}</p>`}
        <${Resumed} outcomes=${resumed} t=${t} lang=${lang} />
        ${children}
      </main>
      ${config.demo && html`<${SeeThrough} ...${{ shop, t, lang }} />`}
    </div>
    <footer class="foot">
      <p>${t("shell.foot")}</p>
      ${config.demo && html`<p><a href="/lab">${t("shell.lab")}</a></p>`}
    </footer>
  `;
}

function Places({ t, path, count }) {
  const current = (place) => (place === "/" ? path === "/" : path === place || path.startsWith(`${place}/`));
  return html`<nav class="places" aria-label=${t("shell.places")}>
    ${PLACES.map(
      ({ path: place, icon, key }) =>
        html`<a href=${place} key=${place} aria-current=${current(place) ? "page" : null}>
          <${Icon} name=${icon} /><span>${t(key)}</span>
          ${place === "/cart" && count > 0 && html`<${Badge} count=${count} text=${t("shell.inCart", { count })} />`}
        </a>`,
    )}
  </nav>`;
}

const Badge = ({ count, text }) =>
  html`<span class="badge"><span aria-hidden="true">${count}</span><span class="aside">${text}</span></span>`;

function Account({ shop, session, address, navigate, t }) {
  if (session) {
    const leave = () => {
      // Away first: a page that needs a session would ask for the next one, and to come back to it.
      navigate("/");
      shop.logout().catch(() => {}); // it has ended here, though the shop could not be told
    };
    return html`<span class="who" translate="no" title=${`${session.custId} · ${session.signType}`}>${session.custId}</span>
      <button class="quiet" title=${t("shell.logout")} onClick=${leave}>
        <${Icon} name="leave" /><span class="roomy">${t("shell.logout")}</span>
      </button>`;
  }
  if (address.startsWith("/login")) return null;
  return html`<a class="button small" href=${loginAddress(address)}>${t("shell.login")}</a>`;
}

/** Light or dark: what the system prefers until the reader has chosen. */
function ThemeSwitch({ t }) {
  const [theme, setTheme] = useState(
    () =>
      document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"),
  );
  const other = theme === "dark" ? "light" : "dark";
  const change = () => {
    document.documentElement.dataset.theme = other;
    keep("theme", other);
    setTheme(other);
  };
  return html`<button
    class="quiet icon-only"
    data-test="theme-switch"
    onClick=${change}
    aria-label=${t(`shell.${other}`)}
    title=${t(`shell.${other}`)}
  >
    <${Icon} name=${other === "dark" ? "moon" : "sun"} />
  </button>`;
}

/** How many products are ticked in the cart: asked for at every new address, followed as ticks are answered. */
function useCartCount(shop, session, path) {
  const [items, setItems] = useState([]);
  useEffect(() => {
    setItems([]);
    if (!session) return undefined;
    shop.cart().then(
      (cart) => setItems(cart.items),
      () => {},
    );
    const follow = ({ detail }) => detail.step === 1 && setItems((before) => withItem(before, detail.answer.body.item));
    shop.addEventListener("step", follow);
    return () => shop.removeEventListener("step", follow);
  }, [session, path]);
  return items.filter((item) => item.ticked && sold(item)).length;
}

/** Whether the browser keeps what the shop asks it to. */
function useDurable(shop) {
  const [durable, setDurable] = useState(shop.durable);
  useEffect(() => {
    const follow = () => setDurable(shop.durable);
    shop.addEventListener("store", follow);
    follow();
    return () => shop.removeEventListener("store", follow);
  }, []);
  return durable;
}

/** Each visit of another page moves the focus to it, as loading a document would. */
function useFocusOn(visit) {
  const main = useRef(null);
  useEffect(() => {
    if (visit > 0) main.current.focus({ preventScroll: true });
  }, [visit]);
  return main;
}

/** What became of the reader's own payments that were under way when the shop was last left. */
const Resumed = ({ outcomes, t, lang }) => outcomes.map((outcome) => html`<${Outcome} key=${outcome.orderId} ...${{ outcome, t, lang }} />`);

function Outcome({ outcome: { orderId, result, problem }, t, lang }) {
  if (result) {
    return html`<p class="notice good" role="status">
      ${`${t("shell.resumedPaid")} `}<a href=${`/result/${orderId}`}>${t("shell.resumedSee")}</a>
    </p>`;
  }
  if (UNKNOWN.has(problem.code)) {
    return html`<p class="notice" role="status">
      ${`${t("shell.resumedUnknown")} `}<a href=${`/order/${orderId}`}>${t("shell.resumedAsk")}</a>
    </p>`;
  }
  return html`<p class="notice bad" role="status">${`${explain(problem, t, lang).heading}: ${t("shell.resumedFailed")}`}</p>`;
}

/** After these nobody knows yet whether the payment was taken. */
const UNKNOWN = new Set(["payment_unfinished", "connection_lost", "outcome_unknown", "unauthenticated", "signed_out"]);

function SeeThrough({ shop, t, lang }) {
  const [panel, setPanel] = useState(null);
  useEffect(() => {
    import("./see_through/panel.js").then(
      (module) => setPanel(() => module.default),
      () => {}, // the shop works without it
    );
  }, []);
  return panel && html`<${panel} shop=${shop} t=${t} lang=${lang} />`;
}

/** A page that could not be loaded: the connection is gone, or the shop was renewed meanwhile. */
export function Failure({ t }) {
  return html`<section class="notice bad" role="alert">
    <h1>${t("shell.failed")}</h1>
    <p>${t("shell.failedAdvice")}</p>
    <button class="button" onClick=${() => location.reload()}>${t("shell.reload")}</button>
  </section>`;
}
