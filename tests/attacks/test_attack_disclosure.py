"""Secrets and customers' names in what everybody may read: errors, metrics, the description of the API."""

import json

from lingdang.keys import Keyring
from lingdang.serving.metrics import Metrics
from lingdang.watch import Watch
from support.buyer import buyer, give, stock
from support.people import PASSWORD, api_key, open_session, register
from support.shop import open_shop


async def test_neither_errors_nor_metrics_nor_the_description_hold_any(database_url: str, keyring: Keyring) -> None:
    metrics = Metrics()
    watch = Watch(
        metrics.observe_request, metrics.payment, metrics.batch, metrics.database, metrics.gauge, metrics.render
    )
    async with open_shop(database_url, keyring, watch) as shop:
        stock(shop, "book-1", "book-2")
        await register(shop, "ann-of-the-lake")
        await give(shop, "ann-of-the-lake", 100)
        ann = buyer(shop, "ann-of-the-lake")
        office = await api_key(shop, "orders:read")
        order = await ann.checkout("book-1", "book-2")
        body = ann.payment(order["orderToken"], ["book-1", "book-2"])
        refused = [
            await ann.send(body),
            await ann.send({**body, "sign": body["sign"][::-1]}),
            await ann.send({**body, "orderToken": body["orderToken"][:-9]}),
            await ann.send({**body, "surplus": body["orderToken"]}),
            await shop.http.get("/v1/wallet", headers=ann.headers | {"X-Cust-Id": "bob"}),
            await open_session(shop, custId="ann-of-the-lake", password=PASSWORD + "x"),
            await shop.http.get("/v1/admin/coupons", headers=office),
            await ann.get("/v1/ann-of-the-lake/" + "x" * 50),
        ]
        assert all(400 <= answer.status_code < 500 for answer in refused)
        public = [metrics.render().decode(), (await shop.http.get("/openapi.json")).text]
    kept = [key["secret"] for key in json.loads(keyring.path.read_text())["keys"]]
    assert ann.sign_key is not None
    secrets = [
        PASSWORD, ann.headers["Authorization"].split()[1], ann.sign_key, office["Authorization"].split()[1],
        order["orderToken"], body["sign"], *kept,
    ]  # fmt: skip
    for text in (*public, *(answer.text for answer in refused)):
        assert [secret for secret in secrets if secret in text] == []
        assert "Traceback" not in text
        assert "/lingdang/" not in text, "no path of the machine"
    assert "ann-of-the-lake" not in public[0] + public[1]
    assert "xxxxx" not in public[0], "an unknown path makes no series of its own"
