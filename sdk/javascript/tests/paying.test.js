import assert from "node:assert/strict";
import test from "node:test";

import { Lingdang, memoryStore } from "../src/index.js";

const NOW = Date.parse("2026-11-23T08:00:00Z");
const ORDER = "01a2-order";
const PAID = {
  orderId: ORDER,
  status: "paid",
  currency: "BELL",
  paid: 30,
  balance: 70,
  paidAt: "2026-11-23T08:00:01.000Z",
  entitlements: [{ productId: "a", grantedAt: "2026-11-23T08:00:01.000Z" }],
};

/** A shop whose payment answers come from a list: a body, a problem, or "lost". */
function shopOf(answers, { store = memoryStore(), sessionId = "s1", custId = "ann" } = {}) {
  const sent = [];
  const routes = {
    "POST /v1/sessions": () => ({
      status: 201,
      body: {
        custId,
        sessionId,
        sessionToken: `token-${sessionId}`,
        signType: "HMAC-SHA256",
        signKey: "k".repeat(43),
        expiresAt: "2026-11-23T20:00:00Z",
        serverTime: "2026-11-23T08:00:00Z",
      },
    }),
    "POST /v1/checkout": () => ({
      status: 200,
      body: {
        orderId: ORDER,
        orderToken: "sealed",
        total: 30,
        lines: [{ productId: "a", price: 30 }],
        expiresAt: "2026-11-23T08:15:00Z",
      },
    }),
    "POST /v1/payments": () => answers.shift() ?? { status: 200, body: PAID },
    [`GET /v1/orders/${ORDER}`]: () => answers.shift() ?? { status: 404, body: { code: "not_found" } },
  };
  const fetch = async (url, request) => {
    const place = `${request.method} ${new URL(url).pathname}`;
    sent.push({ place, body: request.body && JSON.parse(request.body) });
    const answer = routes[place]();
    if (answer === "lost") throw new TypeError("the network is gone");
    return new Response(JSON.stringify(answer.body), { status: answer.status, headers: answer.headers ?? {} });
  };
  const baseUrl = "https://shop.test";
  const shop = new Lingdang({ baseUrl, ...(store && { store }), fetch, now: () => NOW, pause: async () => {} });
  return { shop, store, sent, payments: () => sent.filter(({ place }) => place === "POST /v1/payments") };
}

const refusal = (status, code, members = {}) => ({ status, body: { code, status, ...members } });

async function offered(answers, options) {
  const made = shopOf(answers, options);
  await made.shop.login({ custId: "ann", password: "secret", signType: "HMAC-SHA256" });
  await made.shop.checkout(["a"]);
  return made;
}

test("a lost answer, a busy shop and an unknown outcome are asked again; the token stays the same", async () => {
  const made = await offered(["lost", refusal(503, "overloaded"), refusal(503, "outcome_unknown")]);
  const result = await made.shop.pay(ORDER);
  assert.deepEqual(result, { ...PAID, replayed: false });
  const bodies = made.payments().map(({ body }) => body);
  assert.equal(bodies.length, 4);
  assert.deepEqual(new Set(bodies.map((body) => body.orderToken)), new Set(["sealed"]));
  assert.equal(new Set(bodies.map((body) => body.nonce)).size, 4);
});

test("paid is paid: asked again, nothing is sent", async () => {
  const made = await offered([]);
  await made.shop.pay(ORDER);
  assert.equal((await made.shop.pay(ORDER)).replayed, true);
  assert.equal(made.payments().length, 1);
});

test("two calls at once are one payment", async () => {
  const made = await offered([]);
  const [one, two] = await Promise.all([made.shop.pay(ORDER), made.shop.pay(ORDER)]);
  assert.deepEqual(one, two);
  assert.equal(made.payments().length, 1);
});

test("without any answer it stays under way, and a new client with the same store brings it to its end", async () => {
  const made = await offered(Array(6).fill("lost"));
  await assert.rejects(made.shop.pay(ORDER), { code: "payment_unfinished" });
  assert.equal((await made.shop.keptOrder(ORDER)).state, "paying");
  const later = shopOf([{ status: 200, body: PAID, headers: { "Idempotent-Replayed": "true" } }], { store: made.store });
  await later.shop.restore();
  const [outcome] = await later.shop.resumePayments();
  assert.deepEqual(outcome, { orderId: ORDER, result: { ...PAID, replayed: true } });
  assert.deepEqual(await later.shop.resumePayments(), []);
});

test("in another session the customer's orders tell what became of it", async () => {
  const bought = { ...PAID, total: 30, lines: [{ productId: "a" }] };
  for (const [answer, code] of [[{ status: 200, body: bought }, undefined], [undefined, "cust_mismatch"]]) {
    const made = await offered(Array(6).fill("lost"));
    await assert.rejects(made.shop.pay(ORDER), { code: "payment_unfinished" });
    const later = shopOf(answer ? [answer] : [], { store: made.store, sessionId: "s2" });
    await later.shop.login({ custId: "ann", password: "secret", signType: "HMAC-SHA256" });
    const [outcome] = await later.shop.resumePayments();
    assert.equal(outcome.problem?.code, code);
    if (!code) assert.equal(outcome.result.paid, 30);
    assert.equal(later.payments().length, 0);
  }
});

test("another customer of the same browser neither sees nor ends a payment under way; its owner finds it", async () => {
  const made = await offered(Array(6).fill("lost"));
  await assert.rejects(made.shop.pay(ORDER), { code: "payment_unfinished" });
  const bob = shopOf([], { store: made.store, sessionId: "s2", custId: "bob" });
  await bob.shop.login({ custId: "bob", password: "secret", signType: "HMAC-SHA256" });
  assert.deepEqual(await bob.shop.resumePayments(), []);
  assert.deepEqual(await bob.shop.keptOrders(), []);
  assert.equal(await bob.shop.keptOrder(ORDER), null);
  await assert.rejects(bob.shop.pay(ORDER), { code: "order_unknown" });
  await bob.shop.forgetOrder(ORDER);
  await bob.shop.logout().catch(() => {});
  assert.deepEqual(bob.sent.map(({ place }) => place).filter((place) => !place.includes("sessions")), []);
  const bought = { ...PAID, total: 30, lines: [{ productId: "a" }] };
  const again = shopOf([{ status: 200, body: bought }], { store: made.store, sessionId: "s3" });
  await again.shop.login({ custId: "ann", password: "secret", signType: "HMAC-SHA256" });
  const [outcome] = await again.shop.resumePayments();
  assert.equal(outcome.result.paid, 30);
});

test("who signs in while a payment is repeated does not send it as their own", async () => {
  const made = await offered(["lost", "lost"]);
  let signedIn;
  const shop = new Lingdang({
    baseUrl: "https://shop.test",
    store: made.store,
    now: () => NOW,
    fetch: async (url, request) => {
      if (request.method === "POST" && url.endsWith("/v1/sessions")) {
        const body = { custId: "bob", sessionId: "s2", sessionToken: "token-s2", signType: "HMAC-SHA256" };
        return Response.json({ ...body, signKey: "k".repeat(43), expiresAt: "2026-11-23T20:00:00Z", serverTime: "2026-11-23T08:00:00Z" });
      }
      made.sent.push({ place: "sent as", body: request.headers["X-Cust-Id"] });
      throw new TypeError("the network is gone");
    },
    pause: async () => (signedIn ??= shop.login({ custId: "bob", password: "secret", signType: "HMAC-SHA256" })),
  });
  await shop.restore();
  await assert.rejects(shop.pay(ORDER), { code: "signed_out" });
  assert.deepEqual(made.sent.filter(({ place }) => place === "sent as").map(({ body }) => body), ["ann"]);
  assert.equal((await made.store.get(`order:${ORDER}`)).state, "paying");
});

test("a tab of a session that ended does not end the session that another tab has begun", async () => {
  const made = await offered([refusal(401, "unauthenticated")]);
  const bob = shopOf([], { store: made.store, sessionId: "s2", custId: "bob" });
  await bob.shop.login({ custId: "bob", password: "secret", signType: "HMAC-SHA256" });
  await assert.rejects(made.shop.pay(ORDER), { code: "unauthenticated" });
  assert.equal(made.shop.session, null);
  assert.equal((await made.store.get("session")).custId, "bob");
});

test("without storage or locks a payment is made once, and the page is told that nothing outlives it", async () => {
  const found = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  const request = async () => {
    throw new DOMException("denied", "SecurityError");
  };
  Object.defineProperty(globalThis, "navigator", { value: { locks: { request } }, configurable: true });
  try {
    const told = [];
    const made = shopOf([], { store: null });
    made.shop.addEventListener("store", ({ detail }) => told.push(detail));
    assert.equal(await made.shop.restore(), null);
    await made.shop.login({ custId: "ann", password: "secret", signType: "HMAC-SHA256" });
    await made.shop.checkout(["a"]);
    assert.equal((await made.shop.pay(ORDER)).paid, 30);
    assert.equal((await made.shop.pay(ORDER)).replayed, true);
    assert.equal(made.payments().length, 1);
    assert.deepEqual([told, made.shop.durable], [[{ durable: false }], false]);
  } finally {
    Object.defineProperty(globalThis, "navigator", found);
  }
});

test("too few bells: the offer is kept and can be paid later", async () => {
  const made = await offered([refusal(402, "insufficient_bells", { required: 30, balance: 10, shortfall: 20 })]);
  await assert.rejects(made.shop.pay(ORDER), (problem) => problem.code === "insufficient_bells" && problem.members.shortfall === 20);
  assert.equal((await made.shop.keptOrder(ORDER)).state, "offered");
  assert.equal((await made.shop.pay(ORDER)).paid, 30);
});

for (const code of ["token_expired", "token_invalid", "already_owned", "product_unavailable", "voucher_unusable"]) {
  test(`${code}: the order is of no more use`, async () => {
    const made = await offered([refusal(409, code)]);
    await assert.rejects(made.shop.pay(ORDER), { code });
    assert.equal(await made.shop.keptOrder(ORDER), null);
  });
}

test("a clock that is off is corrected by the server's", async () => {
  const made = await offered([refusal(403, "timestamp_skew", { serverTime: "2026-11-23T09:00:00Z" })]);
  await made.shop.pay(ORDER);
  const [first, second] = made.payments().map(({ body }) => body.timestamp);
  assert.equal(second - first, 3600);
});

test("an ended session is told and forgotten", async () => {
  const made = await offered([refusal(401, "unauthenticated")]);
  const told = [];
  made.shop.addEventListener("session", (event) => told.push(event.detail));
  await assert.rejects(made.shop.pay(ORDER), { code: "unauthenticated" });
  assert.deepEqual(told, [null]);
  assert.equal(made.shop.session, null);
  await assert.rejects(made.shop.tick("a"), { code: "signed_out" });
});

test("steps tell what was signed, and no secret", async () => {
  const steps = [];
  const made = shopOf([]);
  made.shop.addEventListener("step", (event) => steps.push(event.detail));
  await made.shop.login({ custId: "ann", password: "secret", signType: "HMAC-SHA256" });
  await made.shop.checkout(["a"]);
  await made.shop.pay(ORDER);
  assert.deepEqual(steps.map(({ step }) => step), [2, 3, 4, 5, 6]);
  assert.match(steps[2].signedString, /^custId=ann&nonce=.+&orderToken=sealed&productIds=a&signType=HMAC-SHA256&timestamp=\d+$/);
  assert.doesNotMatch(JSON.stringify(steps), new RegExp("k".repeat(43)));
});

test("an answer that is not the shop's is no answer", async () => {
  const made = await offered([{ status: 502, body: "<html>" }]);
  assert.equal((await made.shop.pay(ORDER)).paid, 30);
});
