"""The world's own hand in the database: what a plan begins with, and what the platform does meanwhile."""

import json
from datetime import timedelta

from lingdang.db.pool import Connection
from lingdang.topup.gift_codes import Gift, add_codes
from proof.simulation.plan import BASE, GiftCode, Plan, key_of

_CUSTOMER = "INSERT INTO customer (customer, customer_id, created_at) VALUES (%s, %s, %s)"
_PRODUCT = """
INSERT INTO product (product_id, title, intro, currency, price, list_price, publisher, on_sale_from, on_sale_until,
                     created_at, updated_at)
VALUES (%s, %s, '', %s, %s, %s, %s, %s, %s, %s, %s)
"""
_COUPON = """
INSERT INTO coupon (coupon_id, definition, status, code, total_limit, per_customer, valid_until, valid_days, claimed,
                    created_at, updated_at)
VALUES (%s, %s, 'active', %s, %s, %s, %s, %s, %s, %s, %s)
"""
_VOUCHER = """
INSERT INTO voucher (bucket, customer, voucher_id, coupon_id, claimed_at, expires_at)
SELECT 0, %s, %s, coupon_id, %s, least(valid_until, %s + make_interval(days => coalesce(valid_days, 1096)))
  FROM coupon WHERE coupon_id = %s
"""
_SHELF = "UPDATE product SET status = %s WHERE product_id = %s"
_RECALL = "UPDATE coupon SET status = 'withdrawn' WHERE coupon_id = %s"
_LOGOUT = "INSERT INTO session_end VALUES (0, %s, %s, %s) ON CONFLICT DO NOTHING"
_DONE = """
SELECT customer, CASE kind WHEN 'payment' THEN cause::text
                           WHEN 'credit' THEN detail->>'creditId'
                           WHEN 'refund' THEN concat_ws(' ', kind, detail->>'by', detail->>'refundId')
                           WHEN 'adjustment' THEN concat_ws(' ', kind, detail->>'adjustmentId')
                           WHEN 'reversal' THEN concat_ws(' ', kind, detail->>'creditId')
                           WHEN 'grant' THEN concat_ws(' ', kind, detail->>'grantId')
                           WHEN 'topup' THEN concat_ws(' ', kind, detail->>'topupId')
                           WHEN 'gift' THEN concat_ws(' ', kind, detail->>'giftId')
                           ELSE concat_ws(' ', kind, detail->>'revocationId') END
  FROM transfer WHERE customer = ANY (%s) AND kind NOT IN ('expiry', 'takeback', 'giveback', 'freeze', 'release')
"""


class Shop:
    """What is done past the workers, on a connection without faults."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.codes: list[str] = []
        """The plan's gift codes in clear."""

    async def install(self, plan: Plan) -> None:
        """Make the plan's customers known, put its books on sale, and its coupons into the world and some hands."""
        given = [gift.coupon for gift in plan.gifts]
        async with self._connection.pipeline(), self._connection.transaction():
            for cust_id in plan.customers:
                await self._connection.execute(_CUSTOMER, (key_of(cust_id), cust_id, BASE))
            for book in plan.books:
                shown = (book.product_id, f"Title of {book.product_id}", book.currency, book.price, book.list_price)
                await self._connection.execute(
                    _PRODUCT, (*shown, book.publisher, book.on_sale_from, book.on_sale_until, BASE, BASE)
                )
            for number, coupon in enumerate(plan.coupons):
                definition = json.dumps(coupon.definition)
                limits = (coupon.total_limit, coupon.per_customer, coupon.valid_until, coupon.valid_days)
                row = (coupon.coupon_id, definition, coupon.code, *limits, given.count(number), BASE, BASE)
                await self._connection.execute(_COUPON, row)
            for gift in plan.gifts:
                owner, coupon_id = plan.customers[gift.customer], plan.coupons[gift.coupon].coupon_id
                await self._connection.execute(_VOUCHER, (key_of(owner), gift.voucher_id, BASE, BASE, coupon_id))
        for code in plan.codes:
            self.codes += await add_codes(self._connection, _gift(code), 1)

    async def done(self, plan: Plan) -> set[tuple[str, str]]:
        """Customer and id of all that was done."""
        names = {key_of(cust_id): cust_id for cust_id in plan.customers}
        cursor = await self._connection.execute(_DONE, (list(names),))
        return {(names[key], name) for key, name in await cursor.fetchall()}

    async def shelf(self, product_id: str, active: bool) -> None:
        """Withdraw a book from sale, or put it back."""
        await self._connection.execute(_SHELF, ("active" if active else "withdrawn", product_id))

    async def recall(self, coupon_id: str) -> None:
        """Withdraw a coupon."""
        await self._connection.execute(_RECALL, (coupon_id,))

    async def end_session(self, cust_id: str, session_id: str, expires_at: str) -> None:
        """End a session, as DELETE /v1/sessions/current does."""
        await self._connection.execute(_LOGOUT, (key_of(cust_id), session_id, expires_at))


def _gift(code: GiftCode) -> Gift:
    ends = None if code.lapses is None else BASE + timedelta(seconds=code.lapses)
    return Gift(campaign=code.campaign, currency=code.currency, amount=code.amount, expires_at=ends)
