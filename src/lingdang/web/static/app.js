/** The shop: one SDK client, one address at a time, one shell around it. */
import { Lingdang } from "/sdk/index.js";
import { html, render, useCallback, useEffect, useState } from "./html.js";
import { TAGS, initialLanguage, loadTexts, translator } from "./i18n.js";
import { loginAddress } from "./login_address.js";
import { keep } from "./preferences_kept.js";
import { followLinks, match } from "./router.js";
import { Failure, Shell } from "./shell.js";
import { Guard } from "./ui/guard.js";

const here = () => location.pathname + location.search;

async function start() {
  const answer = await fetch("/static/config.json");
  if (!answer.ok) throw new Error(`config.json: ${answer.status}`);
  const config = await answer.json();
  const shop = new Lingdang({ baseUrl: location.origin, loadMd5: () => import("./vendor/noble-md5.js") });
  await Promise.all([shop.restore(), loadTexts(initialLanguage(), ["shell"])]);
  const whole = document.getElementById("app");
  const broken = html`<${Failure} t=${translator(initialLanguage())} />`;
  whole.replaceChildren();
  render(html`<${Guard} instead=${broken}><${App} shop=${shop} config=${config} /><//>`, whole);
}

function App({ shop, config }) {
  const [lang, speak] = useLanguage();
  const { address, visit, navigate } = useAddress();
  const session = useSession(shop);
  const resumed = useResumed(shop, session).filter(({ orderId }) => !address.includes(orderId));
  const [named, name] = useState("");
  const shown = usePage({ shop, session, address, lang, navigate, config });
  const t = translator(shown?.lang ?? lang);
  useEffect(() => {
    if (shown?.page) document.title = `${named || shown.page.title(t)} · ${t("shell.name")}`;
  }, [shown, named]);
  const failure = html`<${Failure} t=${t} />`;
  const props = { shop, session, navigate, t, lang: shown?.lang ?? lang, config };
  return html`<${Shell} ...${props} address=${address} visit=${visit} resumed=${resumed} speak=${speak}>
    ${shown?.error && failure}
    ${
      shown?.page &&
      html`<${Guard} key=${`${shown.path} ${resumed.length} ${session?.custId}`} of=${shown} instead=${failure}>
        <${shown.page.default} ...${props} name=${name} params=${shown.params} query=${shown.query} />
      <//>`
    }
  <//>`;
}

/** The language and how to change it: its shell is loaded before it is spoken. */
function useLanguage() {
  const [lang, setLang] = useState(initialLanguage);
  const speak = useCallback(async (wanted) => {
    await loadTexts(wanted, ["shell"]);
    document.documentElement.lang = TAGS[wanted];
    keep("lang", TAGS[wanted]);
    setLang(wanted);
  }, []);
  return [lang, speak];
}

/**
 * The address shown and `navigate(path, {replace})`, which goes to another one. `visit` counts the pages come to:
 * a replaced address is the same page.
 */
function useAddress() {
  const [{ address, visit }, setState] = useState({ address: here(), visit: 0 });
  const navigate = useCallback((path, { replace = false } = {}) => {
    history[replace ? "replaceState" : "pushState"](null, "", path);
    setState((before) => ({ address: here(), visit: before.visit + (replace ? 0 : 1) }));
    if (!replace) scrollTo(0, 0);
  }, []);
  useEffect(() => {
    addEventListener("popstate", () => setState(({ visit }) => ({ address: here(), visit: visit + 1 })));
    followLinks(navigate);
  }, []);
  return { address, visit, navigate };
}

/** The SDK's session, followed as it begins and ends. */
function useSession(shop) {
  const [session, setSession] = useState(shop.session);
  useEffect(() => {
    const follow = () => setSession(shop.session);
    shop.addEventListener("session", follow);
    return () => shop.removeEventListener("session", follow);
  }, []);
  return session;
}

/**
 * The outcomes of the reader's own payments that were under way when the shop was last left; an order's own page tells
 * its own.
 */
function useResumed(shop, session) {
  const [outcomes, setOutcomes] = useState([]);
  useEffect(() => {
    let wanted = true;
    setOutcomes([]);
    if (session) {
      shop.resumePayments().then(
        (found) => wanted && setOutcomes(found),
        () => {},
      );
    }
    return () => (wanted = false);
  }, [session?.sessionId]);
  return outcomes;
}

/** The page of an address once its module and texts are there; the one before stays until then. */
function usePage({ shop, session, address, lang, navigate, config }) {
  const [shown, show] = useState(null);
  useEffect(() => {
    const url = new URL(address, location.origin);
    const { route, params } = match(url.pathname);
    const isOpen = route.open || (route.shelf && config.publicCatalogue);
    if (!isOpen && !shop.session) {
      navigate(loginAddress(address), { replace: true });
      return undefined;
    }
    let wanted = true;
    Promise.all([route.page(), loadTexts(lang, route.areas)]).then(
      ([page]) => wanted && show({ page, path: route.path, params, query: url.searchParams, lang }),
      () => wanted && show({ error: true, lang }),
    );
    return () => (wanted = false);
  }, [address, lang, session]);
  return shown;
}

start();
