/** The whole flow against a running demo shop: LINGDANG_URL names it, NODE_EXTRA_CA_CERTS its authority. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";

import { Lingdang } from "../src/index.js";

const baseUrl = process.env.LINGDANG_URL;
const loadMd5 = () => import("../../../src/lingdang/web/static/vendor/noble-md5.js");
const BOOKS = { ES256: ["book-1", "book-2"], "HMAC-SHA256": ["book-3"], MD5: ["book-5"] };

for (const [signType, books] of Object.entries(BOOKS)) {
  test(`a purchase signed with ${signType}`, { skip: !baseUrl && "LINGDANG_URL is not set" }, async () => {
    const shop = new Lingdang({ baseUrl, loadMd5 });
    const steps = [];
    shop.addEventListener("step", (event) => steps.push(event.detail.step));
    const session = await shop.login({ custId: "demo", password: "demo-demo", signType });
    assert.equal(session.signType, signType);
    for (const book of books) assert.equal((await shop.tick(book)).item.productId, book);
    const order = await shop.checkout(books);
    const before = order.wallet.balance;
    const result = await shop.pay(order.orderId);
    assert.equal(result.balance, before - order.total);
    assert.deepEqual(result.entitlements.map(({ productId }) => productId).sort(), [...books].sort());
    const owned = (await shop.library({ limit: 200 })).items.map(({ productId }) => productId);
    assert.ok(books.every((book) => owned.includes(book)));
    assert.deepEqual([...new Set(steps)], [1, 2, 3, 4, 5, 6]);
    await assert.rejects(shop.checkout(books), { code: "already_owned", status: 409 });
    const told = await shop.refundable(order.orderId, books);
    assert.deepEqual([told.refundable, told.amount], [true, order.total]);
    const done = await shop.refund(order.orderId, `refund-${signType}`, { productIds: books });
    assert.deepEqual([done.refunded, done.balance, done.lots[0].amount], [order.total, before, order.total]);
    assert.deepEqual(await shop.refund(order.orderId, `refund-${signType}`, { productIds: books }), done);
    const gone = { status: 409, code: "already_refunded" };
    await assert.rejects(shop.refund(order.orderId, "another", { productIds: books }), gone);
    const { status, refunds } = await shop.order(order.orderId);
    assert.deepEqual([status, refunds.length, refunds[0].refunded], ["refunded", 1, order.total]);
    assert.deepEqual(await shop.pastOrders({ limit: 1 }), { items: [], nextCursor: null });
    await shop.logout();
    await assert.rejects(shop.cart(), { code: "unauthenticated" });
  });
}

test("a link lets in without a session", { skip: !baseUrl && "LINGDANG_URL is not set" }, async () => {
  const shop = new Lingdang({ baseUrl });
  await shop.login({ custId: "demo", password: "demo-demo" });
  const { orderId } = await shop.pay((await shop.checkout(["book-7"])).orderId);
  const { token, expiresAt } = await shop.link("book-7", 600);
  assert.ok(Date.parse(expiresAt) > shop.serverNow());
  const asked = (productId) => fetch(`${baseUrl}/v1/access?${new URLSearchParams({ productId, token })}`);
  const letIn = await asked("book-7");
  assert.deepEqual([letIn.status, letIn.headers.get("x-entitlement-order")], [204, orderId]);
  assert.equal((await asked("book-8")).status, 403);
  await assert.rejects(shop.link("book-8", 600), { code: "not_found", status: 404 });
});

test("the README's example begins a top-up of any package", { skip: !baseUrl && "LINGDANG_URL is not set" }, async () => {
  const shop = new Lingdang({ baseUrl });
  await shop.login({ custId: "demo", password: "demo-demo" });
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const [, example] = /\n## Top-ups\n.*?```js\n(.*?)```/s.exec(readme);
  const run = new (async () => {}).constructor("shop", "console", example);
  const { items } = await shop.topupPackages();
  assert.ok(items.some(({ perBell }) => perBell) && items.some(({ price }) => price));
  for (const item of items) {
    const said = [];
    shop.topupPackages = async () => ({ items: [item] });
    await run(shop, { log: (...words) => said.push(words) });
    assert.equal(said[0][0], "redirect");
    assert.deepEqual(said[1], ["pending"]);
  }
});
