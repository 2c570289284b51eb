import { Problem } from "../src/problem.js";

/** How far a message's time may be from the receiver's clock, either way: who sends an old one again is refused. */
const TOLERANCE_SECONDS = 300;
const MOST_SIGNATURES = 20;
/** By what a secret begins with: the version of the signatures that it verifies, and the algorithm of WebCrypto. */
const KINDS = {
  whsec_: { version: "v1", algorithm: { name: "HMAC", hash: "SHA-256" }, fits: (bytes) => bytes.length > 0 },
  whpk_: { version: "v1a", algorithm: { name: "Ed25519" }, fits: (bytes) => bytes.length === 32 },
};

/**
 * The events of a request that the shop sent: one, or several from an endpoint with batches.
 *
 * `payload` is the body's bytes as they were received, before any parsing; `secret` is the endpoint's `whsec_…`, or its
 * public key `whpk_…`. While the shop changes them, messages are signed with both. Throws Problem `invalid_webhook`, whose
 * message says why, and TypeError for what is neither bytes nor a secret.
 * @param {Uint8Array | ArrayBuffer} payload
 * @param {Headers | Record<string, string | string[] | undefined>} headers
 * @param {string} secret
 * @returns {Promise<import("./index.d.ts").Event[]>}
 */
export async function verifyWebhook(payload, headers, secret, { now = Date.now } = {}) {
  if (!(payload instanceof Uint8Array || payload instanceof ArrayBuffer))
    throw new TypeError("payload is the body's bytes as they were received, before any parsing");
  const { version, holds } = await verifier(secret);
  const [id, sent, signatures] = ["id", "timestamp", "signature"].map((name) => header(headers, `webhook-${name}`));
  const signed = joined(new TextEncoder().encode(`${id}.${sent}.`), new Uint8Array(payload));
  // Every one is looked at, so that the time tells nothing of which of them holds.
  const held = await Promise.all(signaturesOf(signatures, version).map((each) => holds(each, signed)));
  if (!held.includes(true))
    throw refused(
      `no ${version} signature of it was made with this secret: is it this endpoint's, and is the body as it was received?`,
    );
  checkAge(sent, now() / 1000);
  return eventsOf(payload);
}

/** How signatures are verified with this secret, each in constant time. */
async function verifier(secret) {
  const start = Object.keys(KINDS).find((each) => `${secret}`.startsWith(each));
  const bytes = start && ofBase64(secret.slice(start.length));
  if (!bytes || !KINDS[start].fits(bytes))
    throw new TypeError("a secret is `whsec_` or a public key `whpk_`, each with base64 behind it");
  const { version, algorithm } = KINDS[start];
  const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["verify"]);
  return { version, holds: (signature, signed) => crypto.subtle.verify(algorithm, key, signature, signed) };
}

function header(headers, name) {
  const value = typeof headers.get === "function" ? headers.get(name) : ofObject(headers, name);
  if (typeof value !== "string") throw refused(`its header ${name} is missing`);
  return value;
}

const ofObject = (headers, name) => Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];

/** Those of a version; what is none is passed over, and so are versions that are yet to come. */
const signaturesOf = (text, version) =>
  text
    .split(" ", MOST_SIGNATURES)
    .filter((part) => part.startsWith(`${version},`))
    .map((part) => ofBase64(part.slice(version.length + 1)))
    .filter((bytes) => bytes !== null);

function ofBase64(text) {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return null;
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function joined(first, second) {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

function checkAge(sent, now) {
  if (!/^\d{1,12}$/.test(sent)) throw refused("its webhook-timestamp is not in whole seconds");
  const age = Math.round(now - Number(sent));
  if (Math.abs(age) <= TOLERANCE_SECONDS) return;
  const when = age > 0 ? `${age} s ago` : `${-age} s from now`;
  throw refused(`it was sent ${when} by this machine's clock, and ${TOLERANCE_SECONDS} s are allowed`);
}

function eventsOf(payload) {
  let told;
  try {
    told = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    throw refused("its body is no event");
  }
  const events = Array.isArray(told) ? told : [told];
  if (!events.every((event) => typeof event?.id === "string" && typeof event.type === "string"))
    throw refused("its body is no event");
  return events;
}

const refused = (detail) => new Problem("invalid_webhook", { detail });
