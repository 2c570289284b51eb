import { base64url, upperHex, utf8 } from "./bytes.js";

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** The signed fields, sorted by name. */
export const SIGNED_FIELDS = ["custId", "nonce", "orderToken", "productIds", "signType", "timestamp"];

/**
 * The string that a payment's signature is over: `name=value` of the signed fields joined with `&`, productIds joined
 * with `,`, nothing URL-encoded.
 * @param {{custId: string, nonce: string, orderToken: string, productIds: string[], signType: string,
 *   timestamp: number}} fields
 */
export const stringToSign = (fields) =>
  SIGNED_FIELDS.map((name) => `${name}=${name === "productIds" ? fields.productIds.join(",") : fields[name]}`).join("&");

/**
 * The signature over a string.
 * @param {string} text
 * @param {{signType: string, signKey?: string, privateKey?: CryptoKey}} session
 * @param {() => Promise<{md5: (bytes: Uint8Array) => Uint8Array}>} loadMd5 asked only for MD5
 */
export async function sign(text, session, loadMd5) {
  if (session.signType === "ES256") {
    return base64url(await crypto.subtle.sign(ECDSA, session.privateKey, utf8(text)));
  }
  const keyed = utf8(`${text}&key=${session.signKey}`);
  if (session.signType === "MD5") return upperHex((await loadMd5()).md5(keyed));
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", utf8(session.signKey), hmac, false, ["sign"]);
  return upperHex(await crypto.subtle.sign("HMAC", key, keyed));
}

/** A new key pair of P-256 whose private half cannot be read out, and the public half as the contract's JWK. */
export async function newKeyPair() {
  const pair = await crypto.subtle.generateKey(ECDSA, false, ["sign", "verify"]);
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  return { privateKey: pair.privateKey, publicKey: { kty, crv, x, y } };
}

/** Sixteen random bytes as text: a payment's nonce, an idempotency key. */
export const randomText = () => base64url(crypto.getRandomValues(new Uint8Array(16)));
