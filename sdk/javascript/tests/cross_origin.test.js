import assert from "node:assert/strict";
import { test } from "node:test";

import { transport } from "../src/transport.js";

const refusing = () => Promise.reject(new TypeError("Failed to fetch"));

for (const [baseUrl, told] of [
  ["https://shop.example", true],
  ["https://front.example/shop", false],
  ["/shop", false],
]) {
  test(`an answer of ${baseUrl} that a browser withheld`, async () => {
    globalThis.location = { origin: "https://front.example" };
    try {
      const send = transport({ baseUrl, fetch: refusing });
      await assert.rejects(send({ method: "GET", path: "/v1/cart" }), (problem) => {
        assert.equal(problem.code, "connection_lost");
        assert.equal(problem.message.includes("LINGDANG_CORS_ORIGINS=https://front.example"), told);
        return true;
      });
    } finally {
      delete globalThis.location;
    }
  });
}
