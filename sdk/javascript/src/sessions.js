import { Problem } from "./problem.js";
import { newKeyPair } from "./signing.js";

const KEPT = "session";

/**
 * A signing session, as it is kept.
 * @typedef {{custId: string, sessionId: string, sessionToken: string, signType: string, signKey?: string,
 *   privateKey?: CryptoKey, expiresAt: string, clockOffset: number}} Session
 */

/** Opens, keeps and ends the session. `changed` is told the session, or null when it has ended. */
export function sessions({ send, store, now, changed }) {
  /** @type {Session | null} */
  let current = null;

  const become = (session) => {
    current = session;
    changed(session);
  };
  const keep = async (session) => {
    await store.put(KEPT, session);
    become(session);
  };
  /** Another tab may have signed in since: what it keeps is not ours to change. */
  const isKept = async (session) => (await store.get(KEPT))?.sessionId === session?.sessionId;
  const forget = async () => {
    if (await isKept(current)) await store.delete(KEPT);
    become(null);
  };
  const offsetOf = (serverTime) => Date.parse(serverTime) - now();

  /** The headers of every customer's call. Throws Problem `signed_out`. */
  const headers = () => {
    if (!current) throw new Problem("signed_out");
    return { Authorization: `Bearer ${current.sessionToken}`, "X-Cust-Id": current.custId };
  };

  return {
    current: () => current,
    forget,
    headers,

    /** The server's time as far as it is known, in milliseconds. */
    serverNow: () => now() + (current?.clockOffset ?? 0),

    /** Take up the session that was kept, if it has not run out. */
    restore: async () => {
      const kept = await store.get(KEPT);
      if (kept && Date.parse(kept.expiresAt) > now() + kept.clockOffset) become(kept);
      else if (kept) await store.delete(KEPT);
    },

    /** @param {{custId?: string, password?: string, platformToken?: string, signType?: string}} proof */
    open: async ({ platformToken, signType = "ES256", ...login }) => {
      const { privateKey, publicKey } = signType === "ES256" ? await newKeyPair() : {};
      const { body } = await send({
        method: "POST",
        path: "/v1/sessions",
        headers: platformToken && { Authorization: `Bearer ${platformToken}` },
        body: { ...login, signType, publicKey },
      });
      await keep({ ...body, privateKey, clockOffset: offsetOf(body.serverTime) });
    },

    /** End the session here, and at the server if it can be reached. */
    end: async () => {
      const request = { method: "DELETE", path: "/v1/sessions/current", headers: headers() };
      await forget();
      await send(request).catch((problem) => {
        if (problem.code !== "unauthenticated") throw problem;
      });
    },

    /** Learn the server's time from one of its answers. */
    correctClock: async (serverTime) => {
      const corrected = { ...current, clockOffset: offsetOf(serverTime) };
      await ((await isKept(corrected)) ? keep(corrected) : become(corrected));
    },
  };
}
