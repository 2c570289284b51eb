import { randomText, newKeyPair } from "./signing.js";
import { Problem } from "./problem.js";

const KEPT = "session";

/**
 * A signing session, as it is kept.
 * @typedef {{custId: string, sessionId: string, sessionToken: string, signType: string, signKey?: string,
 *   privateKey?: CryptoKey, expiresAt: string, clockOffset: number}} Session
 */

/** Opens, keeps and ends the session. `changed` is told the session, or null when it has ended. */
export class Sessions {
  constructor({ transport, store, now, changed }) {
    Object.assign(this, { transport, store, now, changed });
    /** @type {Session | null} */
    this.current = null;
  }

  /** The session that was kept, if it has not run out. */
  async restore() {
    const kept = await this.store.get(KEPT);
    if (kept && Date.parse(kept.expiresAt) > this.now() + kept.clockOffset) return this.#become(kept);
    if (kept) await this.forget();
    return null;
  }

  /**
   * Open a session. A lost answer is asked for again with the same idempotency key.
   * @param {{custId?: string, password?: string, platformToken?: string, signType?: string}} proof
   */
  async open({ platformToken, signType = "ES256", ...login }) {
    const pair = signType === "ES256" ? await newKeyPair() : {};
    const headers = { "Idempotency-Key": randomText() };
    if (platformToken) headers.Authorization = `Bearer ${platformToken}`;
    const body = { ...login, signType, ...(pair.publicKey && { publicKey: pair.publicKey }) };
    const request = { method: "POST", path: "/v1/sessions", headers, body };
    const answer = await this.transport.request(request).catch((problem) => {
      if (problem.code !== "connection_lost") throw problem;
      return this.transport.request(request);
    });
    const { serverTime, ...given } = answer.body;
    const session = { ...given, clockOffset: Date.parse(serverTime) - this.now() };
    if (pair.privateKey) session.privateKey = pair.privateKey;
    await this.store.put(KEPT, session);
    return this.#become(session);
  }

  /** End the session here, and at the server if it can be reached. */
  async end() {
    const request = { method: "DELETE", path: "/v1/sessions/current", headers: this.headers() };
    await this.forget();
    await this.transport.request(request).catch((problem) => {
      if (problem.code !== "unauthenticated") throw problem;
    });
  }

  async forget() {
    await this.store.delete(KEPT);
    this.#become(null);
  }

  /** The server's time as far as it is known, in milliseconds. */
  serverNow() {
    return this.now() + (this.current?.clockOffset ?? 0);
  }

  /** Learn the server's time from one of its answers. */
  async correctClock(serverTime) {
    this.current = { ...this.current, clockOffset: Date.parse(serverTime) - this.now() };
    await this.store.put(KEPT, this.current);
  }

  /** The headers of every customer's call. Throws Problem `signed_out`. */
  headers() {
    if (!this.current) throw new Problem("signed_out");
    return { Authorization: `Bearer ${this.current.sessionToken}`, "X-Cust-Id": this.current.custId };
  }

  #become(session) {
    this.current = session;
    this.changed(session);
    return session;
  }
}
