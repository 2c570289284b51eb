import assert from "node:assert/strict";
import test from "node:test";

import { keptOrders } from "../src/kept_orders.js";
import { memoryStore } from "../src/index.js";
import { defaultStore, forgivingStore } from "../src/stores.js";

const ann = () => "ann";
const kept = () => ({
  order: { orderId: "o1", orderToken: "t", total: 30, lines: [{ productId: "a", price: 10 }, { productId: "b", price: 20 }] },
  custId: "ann",
  sessionId: "s",
  state: "offered",
});

test("an order comes back as it was kept", async () => {
  const orders = keptOrders(memoryStore(), ann);
  await orders.put(kept());
  assert.deepEqual(await orders.get("o1"), kept());
  assert.deepEqual(await orders.all(), [kept()]);
  await orders.forget("o1");
  assert.equal(await orders.get("o1"), null);
});

const ALTERATIONS = {
  "a price": (found) => (found.order.lines[1].price = 2),
  "the total": (found) => (found.order.total = 3),
  "the token": (found) => (found.order.orderToken = "u"),
  "a product": (found) => (found.order.lines[0].productId = "c"),
  "a line more": (found) => found.order.lines.push({ productId: "c", price: 0 }),
  "a line less": (found) => found.order.lines.pop(),
  "the customer": (found) => (found.custId = "bob"),
  "the state": (found) => (found.state = "paid"),
  "a member more": (found) => (found.order.extra = 1),
  "the seal": (found) => (found.seal = ""),
};

for (const [name, alter] of Object.entries(ALTERATIONS)) {
  test(`${name} altered in the store is refused`, async () => {
    const store = memoryStore();
    const orders = keptOrders(store, ann);
    await orders.put(kept());
    const found = await store.get("order:o1");
    alter(found);
    await store.put("order:o1", found);
    await assert.rejects(orders.get("o1"), { code: "order_altered" });
  });
}

test("an order under another's name is refused", async () => {
  const store = memoryStore();
  const orders = keptOrders(store, ann);
  await orders.put(kept());
  await store.put("order:o2", await store.get("order:o1"));
  await assert.rejects(orders.get("o2"), { code: "order_altered" });
});

test("an order is its customer's alone", async () => {
  const store = memoryStore();
  await keptOrders(store, ann).put(kept());
  for (const other of [() => "bob", () => undefined]) {
    const orders = keptOrders(store, other);
    assert.equal(await orders.get("o1"), null);
    assert.deepEqual(await orders.all(), []);
    await orders.forget("o1");
  }
  assert.deepEqual(await keptOrders(store, ann).get("o1"), kept());
});

test("what has no owner is shown to nobody, and goes with the offers that ended; a payment under way stays", async () => {
  const store = memoryStore();
  const orders = keptOrders(store, ann);
  const { custId, ...nobodys } = kept();
  await orders.put({ ...nobodys, state: "paying" });
  assert.equal(await orders.get("o1"), null);
  assert.equal(await keptOrders(store, () => undefined).get("o1"), null);
  const order = (orderId, expiresAt) => ({ ...kept().order, orderId, expiresAt });
  await orders.put({ ...kept(), order: order("o2", "2026-11-23T08:00:00Z"), state: "paying", custId: "bob" });
  await orders.put({ ...kept(), order: order("o3", "2026-11-23T08:00:00Z") });
  await orders.put({ ...kept(), order: order("o4", "2026-11-23T10:00:00Z") });
  await orders.tidy(Date.parse("2026-11-23T09:00:00Z"));
  assert.deepEqual((await store.keys("order:")).sort(), ["order:o2", "order:o4"]);
});

const refusing = async () => {
  throw new DOMException("denied", "SecurityError");
};

test("a store that refuses everything, and none at all, are memory, and that is told", async () => {
  const refusals = { get: refusing, put: refusing, delete: refusing, keys: refusing };
  for (const made of [(told) => forgivingStore(refusals, told), (told) => defaultStore("https://shop.test", told)]) {
    let told = 0;
    const store = made(() => (told += 1));
    await store.put("order:a", { total: 1 });
    assert.deepEqual(await store.get("order:a"), { total: 1 });
    assert.deepEqual(await store.keys("order:"), ["order:a"]);
    await store.delete("order:a");
    assert.equal(await store.get("order:a"), undefined);
    assert.deepEqual(await store.keys("order:"), []);
    assert.ok(told > 0);
  }
});

test("a full store keeps what it has, and memory what is new", async () => {
  const full = memoryStore();
  await full.put("order:a", { total: 1 });
  let told = 0;
  const store = forgivingStore({ ...full, put: refusing, delete: refusing }, () => (told += 1));
  await store.put("order:a", { total: 2 });
  await store.put("order:b", { total: 3 });
  assert.deepEqual(await store.get("order:a"), { total: 2 });
  assert.deepEqual((await store.keys("order:")).sort(), ["order:a", "order:b"]);
  await store.delete("order:a");
  assert.equal(await store.get("order:a"), undefined);
  assert.deepEqual(await store.keys("order:"), ["order:b"]);
  assert.equal(told, 3);
});

test("nothing is written over what could not be read", async () => {
  const real = memoryStore();
  await real.put("seal-key", "the key");
  let answers = false;
  const store = forgivingStore({ ...real, get: (key) => (answers ? real.get(key) : refusing()) }, () => {});
  assert.equal(await store.get("seal-key"), undefined);
  answers = true;
  await store.put("seal-key", "another");
  assert.equal(await store.get("seal-key"), "another");
  assert.equal(await real.get("seal-key"), "the key");
});

test("each shop has a database of its own in the browser", async () => {
  const names = [];
  globalThis.indexedDB = {
    open: (name) => {
      names.push(name);
      throw new DOMException("denied", "SecurityError");
    },
  };
  globalThis.location = { origin: "https://shop.test" };
  for (const baseUrl of ["https://shop.test/", "", "https://other.test"]) await defaultStore(baseUrl, () => {}).get("a");
  delete globalThis.indexedDB;
  delete globalThis.location;
  assert.deepEqual(names, ["lingdang", "lingdang", "lingdang https://other.test"]);
});
