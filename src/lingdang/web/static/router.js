/**
 * The addresses of the shop. A route names its page's module and the areas of texts it speaks with; both are loaded
 * when it is first visited. `open` pages are shown to anybody, `shelf` pages where
 * the catalogue is public; the others send to the login and back.
 *
 * @typedef {{path: string, page: () => Promise<PageModule>, areas: string[], open?: boolean, shelf?: boolean}} Route
 * @typedef {{default: Function, title: (t: Function) => string}} PageModule
 */

/** @type {Route[]} */
export const ROUTES = [
  { path: "/", page: () => import("./pages/browse.js"), areas: ["shop"], open: true },
  { path: "/products/:productId", page: () => import("./pages/product.js"), areas: ["shop", "product"], shelf: true },
  { path: "/cart", page: () => import("./pages/cart.js"), areas: ["cart"] },
  { path: "/order/:orderId", page: () => import("./pages/order.js"), areas: ["order"] },
  { path: "/result/:orderId", page: () => import("./pages/result.js"), areas: ["order"] },
  { path: "/library", page: () => import("./pages/library.js"), areas: ["reading"] },
  { path: "/read/:productId", page: () => import("./pages/reader.js"), areas: ["reading", "refund"] },
  { path: "/orders", page: () => import("./pages/orders.js"), areas: ["account", "refund"] },
  { path: "/orders/:orderId", page: () => import("./pages/orders.js"), areas: ["account", "refund"] },
  { path: "/wallet", page: () => import("./pages/wallet.js"), areas: ["account"] },
  { path: "/topup", page: () => import("./pages/topup.js"), areas: ["topup"] },
  { path: "/topup/:topupId", page: () => import("./pages/topup.js"), areas: ["topup"] },
  { path: "/login", page: () => import("./pages/login.js"), areas: ["account"], open: true },
  { path: "/lab", page: () => import("./pages/lab.js"), areas: ["lab"], open: true },
];

const NOWHERE = { path: "*", page: () => import("./pages/nowhere.js"), areas: [], open: true };

/**
 * The route of a path and what its variable parts are.
 * @param {string} path
 * @returns {{route: Route, params: Record<string, string>}}
 */
export function match(path) {
  const parts = split(path);
  for (const route of ROUTES) {
    const params = matched(split(route.path), parts);
    if (params) return { route, params };
  }
  return { route: NOWHERE, params: {} };
}

const split = (path) => path.split("/").filter(Boolean);

function matched(pattern, parts) {
  if (pattern.length !== parts.length) return null;
  const params = {};
  for (const [i, part] of pattern.entries()) {
    if (part.startsWith(":")) params[part.slice(1)] = decoded(parts[i]);
    else if (part !== parts[i]) return null;
  }
  return params;
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * Follow links within the shop without loading the document anew.
 * @param {(path: string) => void} navigate
 */
export function followLinks(navigate) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !plain || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
    if (link.origin !== location.origin || link.getAttribute("href").startsWith("#")) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
}
