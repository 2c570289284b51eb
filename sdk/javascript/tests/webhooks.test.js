import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import test from "node:test";

import { verifyWebhook } from "../webhooks/index.js";

const NOW = 1_795_430_400;
const SHARED = "the endpoint's shared secret, 32";
const SECRET = `whsec_${btoa(SHARED)}`;
const OTHER = "another endpoint's shared secret";
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const PUBLIC = `whpk_${publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("base64")}`;
const PAID = {
  id: "evt_1",
  type: "order.paid",
  time: "2026-11-23T08:00:00Z",
  custId: "ann",
  seq: 3,
  position: "17",
  data: { orderId: "order-1", title: "浮生六记" },
};
const BODY = Buffer.from(JSON.stringify(PAID, null, 1));

const signedText = (body, sent) => Buffer.concat([Buffer.from(`msg_1.${sent}.`), Buffer.from(body)]);
const v1 = (body = BODY, secret = SHARED, sent = NOW) =>
  `v1,${createHmac("sha256", secret).update(signedText(body, sent)).digest("base64")}`;
const v1a = (body = BODY, sent = NOW) => `v1a,${sign(null, signedText(body, sent), privateKey).toString("base64")}`;
const headers = (signatures, sent = NOW) => ({
  "Webhook-Id": "msg_1",
  "webhook-timestamp": `${sent}`,
  "WEBHOOK-SIGNATURE": signatures.join(" "),
});
const verified = (told, { body = BODY, secret = SECRET, now = NOW } = {}) =>
  verifyWebhook(body, told, secret, { now: () => now * 1000 });
const refuses = (message) => (error) => error.code === "invalid_webhook" && message.test(error.message);

for (const [name, signatures, secret] of [
  ["v1", [v1()], SECRET],
  ["while secrets change", [v1(BODY, OTHER), v1()], SECRET],
  ["v1a", [v1(), v1a()], PUBLIC],
  ["versions to come", ["v2,AAAA", "v1,no-base64", "v1", "", v1()], SECRET],
]) {
  test(`what the shop signed: ${name}`, async () => {
    const told = headers(signatures);
    for (const each of [told, new Headers(told)]) assert.deepEqual(await verified(each, { secret }), [PAID]);
    const bytes = BODY.buffer.slice(BODY.byteOffset, BODY.byteOffset + BODY.length);
    assert.deepEqual(await verified(told, { secret, body: bytes }), [PAID]);
  });
}

test("a batch", async () => {
  const body = Buffer.from(JSON.stringify([PAID, { ...PAID, id: "evt_2", data: undefined }]));
  const events = await verified(headers([v1(body)]), { body });
  assert.deepEqual(
    events.map(({ id, data }) => [id, data?.orderId]),
    [
      ["evt_1", "order-1"],
      ["evt_2", undefined],
    ],
  );
});

for (const signatures of [
  [v1(BODY, OTHER)],
  [v1(`${BODY} `)],
  [v1(BODY, SHARED, NOW + 1)],
  [v1().replace("v1,", "v1a,")],
  [v1a().replace("v1a,", "v1,")],
  [v1().slice(0, -4)],
  [`${v1()}=`],
  [`v1a,${"A".repeat(86)}==`],
  ["v1,"],
  [""],
]) {
  test(`another signature is refused: ${signatures}`, async () => {
    for (const secret of [SECRET, PUBLIC])
      await assert.rejects(verified(headers(signatures), { secret }), refuses(/signature of it was made with this secret/));
  });
}

test("bytes are taken as they were received", async () => {
  const told = headers([v1(), v1a()]);
  for (const secret of [SECRET, PUBLIC]) {
    const body = Buffer.from(JSON.stringify(JSON.parse(BODY)));
    await assert.rejects(verified(told, { secret, body }), refuses(/signature/));
    for (const parsed of [PAID, `${BODY}`, undefined])
      await assert.rejects(verifyWebhook(parsed, told, secret), (error) => error instanceof TypeError);
  }
});

test("five minutes either way", async () => {
  const told = headers([v1(), v1a()]);
  for (const secret of [SECRET, PUBLIC]) {
    for (const late of [-300, 300]) assert.equal((await verified(told, { secret, now: NOW + late })).length, 1);
    await assert.rejects(verified(told, { secret, now: NOW + 301 }), refuses(/301 s ago by this machine's clock/));
    await assert.rejects(verified(told, { secret, now: NOW - 301 }), refuses(/301 s from now/));
  }
});

for (const sent of ["", "now", "1e9", "-1", "1795430400.5", "9".repeat(40)]) {
  test(`a timestamp is whole seconds: ${sent}`, async () => {
    await assert.rejects(verified(headers([v1(BODY, SHARED, sent)], sent)), refuses(/whole seconds/));
  });
}

for (const name of ["Webhook-Id", "webhook-timestamp", "WEBHOOK-SIGNATURE"]) {
  test(`a header that is missing is named: ${name}`, async () => {
    const told = headers([v1()]);
    delete told[name];
    for (const each of [told, new Headers(told)])
      await assert.rejects(verified(each), refuses(new RegExp(`${name.toLowerCase()} is missing`)));
  });
}

for (const body of ["", "{}", "[1]", "null", Buffer.from([0xff]), '"event"', '{"id": "evt_1"}']) {
  test(`signed and no event: ${body}`, async () => {
    const bytes = Buffer.from(body);
    await assert.rejects(verified(headers([v1(bytes)]), { body: bytes }), refuses(/no event/));
  });
}

for (const secret of ["", "whsec_", "whsec_é", "whpk_AAAA", "whsec", btoa(SHARED), `whpk_${btoa(SHARED)}=`, undefined]) {
  test(`what is no secret: ${secret}`, async () => {
    await assert.rejects(verifyWebhook(BODY, headers([v1()]), secret), /whsec_/);
  });
}
