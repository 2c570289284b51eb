import assert from "node:assert/strict";
import test from "node:test";

import { Lingdang, memoryStore } from "../src/index.js";

const OPENED = {
  custId: "ann",
  sessionId: "s1",
  sessionToken: "token-s1",
  signType: "HMAC-SHA256",
  signKey: "k".repeat(43),
  expiresAt: "2026-11-23T20:00:00Z",
  serverTime: "2026-11-23T08:00:00Z",
};

async function signedIn(answers) {
  const sent = [];
  const fetch = async (url, { method, headers: asked, body }) => {
    const place = `${method} ${url.replace("https://shop.test", "")}`;
    sent.push({ place, key: asked["Idempotency-Key"], token: asked.Authorization, body: body && JSON.parse(body) });
    const [status, answer, headers = {}] = place === "POST /v1/sessions" ? [201, OPENED] : answers.shift();
    return new Response(JSON.stringify(answer), { status, headers });
  };
  const now = () => Date.parse("2026-11-23T08:00:00Z");
  const shop = new Lingdang({ baseUrl: "https://shop.test", store: memoryStore(), fetch, now });
  await shop.login({ custId: "ann", password: "secret", signType: "HMAC-SHA256" });
  return { shop, sent };
}

test("a top-up is begun with its key, and read", async () => {
  const pending = { topupId: "t 1", status: "pending" };
  const { shop, sent } = await signedIn([
    [200, { items: [] }],
    [201, pending],
    [200, pending],
    [200, { items: [pending], nextCursor: null }],
  ]);
  assert.deepEqual(await shop.topupPackages(), { items: [] });
  const asked = { packageId: "free", provider: "sandbox", channel: "web", amount: 290 };
  assert.deepEqual(await shop.topUp(asked, "key-1"), pending);
  assert.deepEqual(await shop.topup("t 1"), pending);
  assert.deepEqual((await shop.topups({ limit: 5 })).items, [pending]);
  const token = "Bearer token-s1";
  assert.deepEqual(sent.slice(1), [
    { place: "GET /v1/topups/packages", key: undefined, token, body: undefined },
    { place: "POST /v1/topups", key: "key-1", token, body: asked },
    { place: "GET /v1/topups/t%201", key: undefined, token, body: undefined },
    { place: "GET /v1/topups?limit=5", key: undefined, token, body: undefined },
  ]);
});

test("a code is redeemed; a refusal has its figures", async () => {
  const { shop, sent } = await signedIn([
    [200, { amount: 100, balance: 100 }],
    [402, { code: "wallet_in_debt", debt: 600 }],
  ]);
  assert.equal((await shop.redeem("7K3M9Q")).balance, 100);
  assert.deepEqual(sent[1].body, { code: "7K3M9Q" });
  await assert.rejects(shop.checkout(["a"]), ({ code, status, members }) => {
    assert.deepEqual([code, status, members.debt], ["wallet_in_debt", 402, 600]);
    return true;
  });
});

test("how long to wait is told by the problem, or by the header alone", async () => {
  const { shop } = await signedIn([
    [429, { code: "rate_limited", retryAfter: 7 }, { "Retry-After": "8" }],
    [503, { code: "overloaded" }, { "Retry-After": "5" }],
    [503, null, { "Retry-After": "30" }],
    [503, null, { "Retry-After": "Mon, 30 Nov 2026 12:00:00 GMT" }],
  ]);
  for (const expected of [
    ["rate_limited", 7],
    ["overloaded", 5],
    ["connection_lost", 30],
    ["connection_lost", undefined],
  ]) {
    await assert.rejects(shop.topup("t"), ({ code, retryAfter }) => {
      assert.deepEqual([code, retryAfter], expected);
      return true;
    });
  }
});
