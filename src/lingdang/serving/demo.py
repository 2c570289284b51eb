"""`serve --demo`: an empty shop is filled; one that has products or customers is left as it is."""

import asyncio

import click
import psycopg

from lingdang.app import Deployment
from lingdang.backoffice.commands import credit_now
from lingdang.backoffice.wallets import CreditRequest
from lingdang.commands import deployment
from lingdang.db.pool import connect_options, make_pool
from lingdang.demo.books import load_demo_catalogue
from lingdang.demo.coupons import give_demo_coupons
from lingdang.identity.customers import add_customer
from lingdang.identity.passwords import Passwords
from lingdang.ids import bucket_of
from lingdang.settings import Settings

CUSTOMER = "demo"
PASSWORD = "demo-demo"  # noqa: S105 - it is meant to be known
BELLS = 10_000

# The customer comes last: a filling that was interrupted after the books is taken up again.
_IN_USE = """
SELECT EXISTS (SELECT FROM customer) OR EXISTS (SELECT FROM product WHERE product_id NOT LIKE 'book-%')
"""


def fill_demo(settings: Settings, url: str) -> None:
    """Books, the customer `demo`, their bells and vouchers, in a shop that has neither products nor customers."""
    shop = deployment(settings, url)
    with psycopg.connect(url, **connect_options(settings.pgbouncer)) as connection:
        row = connection.execute(_IN_USE).fetchone()
    if row != (False,):
        return
    click.echo("Filling the shop with books …", err=True)
    load_demo_catalogue(url, shop.clock(), pgbouncer=settings.pgbouncer)
    asyncio.run(_add_customer(shop))


async def _add_customer(shop: Deployment) -> None:
    gift = CreditRequest(credit_id="demo", amount=BELLS, kind="paid", reason="Demo")
    await credit_now(shop, CUSTOMER, gift)
    bucket, now = bucket_of(CUSTOMER, shop.buckets), shop.clock()
    async with make_pool(shop.database_url, 2, shop.settings.pgbouncer) as pool:
        await give_demo_coupons(pool, bucket, CUSTOMER, now)
        await add_customer(pool, Passwords(), bucket, CUSTOMER, PASSWORD, now)
