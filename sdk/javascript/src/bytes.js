const encoder = new TextEncoder();

/** Text as UTF-8 bytes. @param {string} text */
export const utf8 = (text) => encoder.encode(text);

/** Bytes as base64url without padding. @param {ArrayBuffer | Uint8Array} bytes */
export const base64url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

/** Bytes as upper-case hex. @param {ArrayBuffer | Uint8Array} bytes */
export const upperHex = (bytes) =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .toUpperCase();
