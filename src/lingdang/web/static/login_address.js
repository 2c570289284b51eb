/** The login's address, and the way back that it holds. */

/** Where to go after a login: a page of this shop, whatever the address bar was given; not the login again. */
export function safeNext(next) {
  const url = next?.startsWith("/") && URL.canParse(next, location.origin) ? new URL(next, location.origin) : null;
  const isOurs = url?.origin === location.origin && url.pathname !== "/login" && !url.pathname.startsWith("//");
  return isOurs ? url.pathname + url.search : "/";
}

/** The login page's address that leads back to `next`. */
export const loginAddress = (next) => `/login?next=${encodeURIComponent(next)}`;
