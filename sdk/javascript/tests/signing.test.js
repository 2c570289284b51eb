import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";

import { sign, stringToSign } from "../src/index.js";

const { vectors } = JSON.parse(await readFile(new URL("../../../tests/vectors/sign.json", import.meta.url)));
const loadMd5 = () => import("../../../src/lingdang/web/static/vendor/noble-md5.js");

test("there are vectors of every sign type", () => {
  assert.deepEqual([...new Set(vectors.map((vector) => vector.signType))].sort(), ["ES256", "HMAC-SHA256", "MD5"]);
});

for (const [number, vector] of vectors.entries()) {
  test(`vector ${number}, ${vector.signType}`, async () => {
    const text = stringToSign(vector.fields);
    assert.equal(text, vector.stringToSign);
    if (vector.signType !== "ES256") {
      assert.equal(await sign(text, { signType: vector.signType, signKey: vector.signKey }, loadMd5), vector.sign);
      return;
    }
    const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const bytes = Buffer.from(vector.sign, "base64url");
    const given = await crypto.subtle.importKey("jwk", vector.publicKey, ecdsa, false, ["verify"]);
    assert.ok(await crypto.subtle.verify(ecdsa, given, bytes, Buffer.from(text)));
    const pair = await crypto.subtle.generateKey(ecdsa, false, ["sign", "verify"]);
    const made = await sign(text, { signType: "ES256", privateKey: pair.privateKey }, loadMd5);
    assert.match(made, /^[\w-]{86}$/);
    assert.ok(await crypto.subtle.verify(ecdsa, pair.publicKey, Buffer.from(made, "base64url"), Buffer.from(text)));
  });
}
