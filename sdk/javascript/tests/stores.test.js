import assert from "node:assert/strict";
import test from "node:test";

import { keptOrders } from "../src/kept_orders.js";
import { memoryStore } from "../src/index.js";

const kept = () => ({
  order: { orderId: "o1", orderToken: "t", total: 30, lines: [{ productId: "a", price: 10 }, { productId: "b", price: 20 }] },
  custId: "ann",
  sessionId: "s",
  state: "offered",
});

test("an order comes back as it was kept", async () => {
  const orders = keptOrders(memoryStore());
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
    const orders = keptOrders(store);
    await orders.put(kept());
    const found = await store.get("order:o1");
    alter(found);
    await store.put("order:o1", found);
    await assert.rejects(orders.get("o1"), { code: "order_altered" });
  });
}

test("an order under another's name is refused", async () => {
  const store = memoryStore();
  const orders = keptOrders(store);
  await orders.put(kept());
  await store.put("order:o2", await store.get("order:o1"));
  await assert.rejects(orders.get("o2"), { code: "order_altered" });
});
