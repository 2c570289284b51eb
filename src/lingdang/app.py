"""The composition root: builds every part once and joins their routes."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from lingdang.backoffice import coupons as coupons_admin
from lingdang.backoffice import customers as customers_admin
from lingdang.backoffice import orders as orders_admin
from lingdang.backoffice import products as products_admin
from lingdang.backoffice import refunds as refunds_admin
from lingdang.backoffice import rights as rights_admin
from lingdang.backoffice import wallets as wallets_admin
from lingdang.bulkheads import Bulkheads
from lingdang.cart.carts import Carts
from lingdang.catalog.memory import Memory
from lingdang.catalog.reading import ProductReader
from lingdang.checkout.checkouts import Checkouts
from lingdang.checkout.order_token import OrderTokens
from lingdang.checkout.reading import CheckoutReader
from lingdang.coupons import routes as coupon_routes
from lingdang.coupons.chooser import Chooser
from lingdang.coupons.guessing import CodeLimits
from lingdang.db.lane import Lane
from lingdang.db.pool import Pool
from lingdang.db.probe import Probe
from lingdang.demo import signing_lab
from lingdang.deployment import Deployment, make_sealer, make_sessions, make_settlement, make_statements
from lingdang.http import health
from lingdang.http.answers import EXCEPTION_HANDLERS
from lingdang.http.bound import Gate, bound
from lingdang.http.entry import Entry
from lingdang.http.framework import framework_route
from lingdang.http.idempotency import Idempotency
from lingdang.http.openapi import openapi_config
from lingdang.http.pacing import Pacing
from lingdang.http.route import AnyServed
from lingdang.http.strict import StrictRequest
from lingdang.identity import routes as identity_routes
from lingdang.identity.api_keys import ApiKeys
from lingdang.identity.login_limits import LoginLimits
from lingdang.identity.logins import Logins
from lingdang.identity.passwords import Passwords
from lingdang.identity.platform_tokens import PlatformTokens
from lingdang.ledger.settlement import Settlement
from lingdang.library import refunds as refund_routes
from lingdang.library import routes as library_routes
from lingdang.library.entitlements import Rights
from lingdang.library.receipts import Receipts
from lingdang.library.refunds import Policy
from lingdang.payment.payments import Payments
from lingdang.payment.signing import SIGNED_FIELDS
from lingdang.routes import cart, checkout, payments, products
from lingdang.signer import Signer
from lingdang.upkeep import Upkeep
from lingdang.watch import UNWATCHED, Watch
from lingdang.web import reading
from lingdang.web import routes as web_routes


def create_app(deployment: Deployment, watch: Watch = UNWATCHED) -> Entry:
    """The whole server as one ASGI application; its lifespan opens and closes what it holds."""
    parts = _Parts(deployment, watch)
    settings = deployment.settings
    served = _served(parts, watch)
    gate = Gate(parts.sessions.authenticate, ApiKeys(parts.pools.operators, parts.pacing).require, parts.clock)
    ready = bound(served, gate)
    # Which way a route takes is decided here alone.
    short = [each for each in ready if each.route.short_way]
    usual = [each for each in ready if not each.route.short_way]
    parts.show(watch)
    framework = Litestar(
        [
            *(framework_route(each, settings.max_body_bytes) for each in usual),
            *_routes(parts),
            *health.routes(parts.probe, watch.scrape),
        ],
        request_class=StrictRequest,
        lifespan=[parts.lifespan],
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=openapi_config([each.route for each in served]),
        request_max_body_size=settings.max_body_bytes,
        logging_config=None,
    )
    return Entry(
        framework,
        short,
        max_body_bytes=settings.max_body_bytes,
        observe=watch.request,
        origins=settings.cors_origins,
        elsewhere=[each.path for each in usual],
    )


class _Parts:
    """Every part that holds something open, and those that the routes share."""

    def __init__(self, deployment: Deployment, watch: Watch) -> None:
        self.deployment = deployment
        self.clock = deployment.clock
        url, settings = deployment.database_url, deployment.settings
        self.pools = Bulkheads(url, settings.pool_size, settings.pgbouncer)
        self.probe = Probe(url, settings.pgbouncer)
        self.sessions = make_sessions(deployment)
        self.passwords = Passwords()
        self.pacing = Pacing()
        self.chooser = Chooser()
        wrong, window = deployment.settings.login_limit_customer, deployment.settings.login_window_seconds
        self.codes = CodeLimits(self.pools.customers, self.clock, wrong, window, self.pacing)
        self.refund_policy = Policy.of(deployment.settings)
        self.access_rights = Rights(self.pools.access, self.refund_policy.offered)
        self.platform_tokens = PlatformTokens.configured(deployment.settings)
        self.order_tokens = OrderTokens(deployment.keyring)
        self.idempotency = Idempotency(self.pools.customers, deployment.keyring)
        self.memory = Memory()
        self.settlement = make_settlement(deployment, self.memory, watch)
        self.sealer = make_sealer(deployment, self.pools.background, self.settlement.seconds_run)
        self.upkeep = Upkeep(self.pools.background, self.settlement, self.clock)
        self.carts = Carts(self._lane(), self.memory, self.clock, observe=watch.lane("cart"))
        self.products = ProductReader(self._lane(), self.memory, self.clock, observe=watch.lane("products"))
        self.readers = [self._reader(bucket, watch) for bucket in range(deployment.buckets)]

    def show(self, watch: Watch) -> None:
        """Have the present values read for the metrics."""
        watch.gauge("lingdang_queue_length", "settlement", self.settlement.__len__)
        watch.gauge("lingdang_queue_length", "cart", self.carts.__len__)
        watch.gauge("lingdang_queue_length", "products", self.products.__len__)
        watch.gauge("lingdang_queue_length", "checkout", lambda: sum(map(len, self.readers)))
        for pool in self.pools:
            for metric, state in _OF_POOLS.items():
                watch.gauge(metric, pool.name, partial(_of_pool, pool, state))
        sealer, worker = self.sealer, str(os.getpid())
        watch.gauge("lingdang_journal_lag_seconds", worker, sealer.lag)
        watch.gauge("lingdang_journal_sealed", worker, lambda: sealer.sealed)
        watch.gauge("lingdang_overdue", "transfer", lambda: sealer.overdue)
        for state in self.upkeep.overdue:
            watch.gauge("lingdang_overdue", state, partial(self.upkeep.overdue.__getitem__, state))
        watch.gauge("lingdang_journal_rolled_back", worker, lambda: sealer.witness.rolled_back)

    def _lane(self) -> Lane:
        return Lane(self.deployment.database_url, self.deployment.settings.pgbouncer)

    def _reader(self, bucket: int, watch: Watch) -> CheckoutReader:
        settings = self.deployment.settings
        return CheckoutReader(
            bucket,
            self._lane(),
            self.memory,
            self.clock,
            queue_limit=settings.queue_limit,
            batch_limit=settings.batch_limit,
            observe=watch.lane("checkout"),
        )

    @asynccontextmanager
    async def lifespan(self, _: Litestar) -> AsyncIterator[None]:
        """Open everything; at the end close it in the opposite order, draining what was accepted."""
        async with AsyncExitStack() as stack:
            for pool in self.pools:
                await pool.open()
                stack.push_async_callback(pool.close)
            stack.push_async_callback(self.probe.close)
            stack.callback(self.passwords.close)
            stack.push_async_callback(self.chooser.close)
            if self.platform_tokens is not None:
                stack.push_async_callback(self.platform_tokens.close)
            lanes: list[Settlement | Carts | CheckoutReader | ProductReader] = [
                self.settlement,
                self.carts,
                self.products,
                *self.readers,
            ]
            for lane in lanes:
                lane.open()
                stack.push_async_callback(lane.close)
            for task in (self.upkeep.run(), self.sealer.run()):
                stack.callback(asyncio.create_task(task).cancel)
            yield


_OF_POOLS = {
    "lingdang_pool_size": "pool_size",
    "lingdang_pool_available": "pool_available",
    "lingdang_pool_waiting": "requests_waiting",
}


def _of_pool(pool: Pool, state: str) -> int:
    return pool.get_stats().get(state, 0)


def _routes(parts: _Parts) -> list[HTTPRouteHandler]:
    pools, sessions, clock, settings = parts.pools, parts.sessions, parts.clock, parts.deployment.settings
    pool, reports = pools.customers, pools.reports
    receipts = Receipts(Signer(parts.deployment.keyring), settings.issuer, settings.receipt_seconds)
    policy = parts.refund_policy
    return [
        *_session_routes(parts),
        *_admin_routes(parts),
        *coupon_routes.routes(sessions, pool, parts.codes, parts.idempotency, clock),
        *library_routes.routes(
            sessions,
            pool,
            reports,
            receipts,
            Rights(pool, policy.offered),
            make_statements(parts.deployment),
            clock,
            settings.zone,
        ),
        *library_routes.public_routes(sessions, pools.access, receipts, parts.access_rights, clock),
        *refund_routes.routes(sessions, pool, parts.settlement, policy, clock),
        *_web_routes(parts),
    ]


def _web_routes(parts: _Parts) -> list[HTTPRouteHandler]:
    settings, sessions, clock = parts.deployment.settings, parts.sessions, parts.clock
    texts = Path(settings.texts_dir).expanduser() if settings.texts_dir else None
    return [
        *web_routes.routes(settings.sign_types, settings.demo, settings.refund_days),
        *reading.routes(sessions, parts.access_rights, parts.products, clock, texts),
        *(signing_lab.routes(sessions, clock) if settings.demo else []),
    ]


def _admin_routes(parts: _Parts) -> list[HTTPRouteHandler]:
    pool, clock, buckets = parts.pools.operators, parts.clock, parts.deployment.buckets
    api_keys = ApiKeys(pool, parts.pacing)
    return [
        *customers_admin.routes(api_keys, pool, parts.passwords, buckets, clock),
        *products_admin.routes(api_keys, pool, clock),
        *wallets_admin.routes(api_keys, pool, parts.settlement, clock),
        *coupons_admin.routes(api_keys, pool, buckets, clock),
        *orders_admin.routes(api_keys, pool, buckets),
        *refunds_admin.routes(api_keys, pool, parts.settlement, parts.refund_policy, clock),
        *rights_admin.routes(api_keys, pool, buckets, parts.settlement, clock),
    ]


def _session_routes(parts: _Parts) -> list[HTTPRouteHandler]:
    settings = parts.deployment.settings
    limits = LoginLimits(
        parts.pools.sign_in,
        parts.clock,
        settings.login_limit_customer,
        settings.login_limit_address,
        settings.login_window_seconds,
    )
    return identity_routes.routes(
        parts.sessions,
        Logins(parts.pools.sign_in, parts.deployment.buckets, parts.passwords, limits),
        parts.platform_tokens,
        Idempotency(parts.pools.sign_in, parts.deployment.keyring),
        parts.pools.customers,
        parts.pools.sign_in,
        parts.clock,
        parts.pacing,
    )


def _served(parts: _Parts, watch: Watch) -> list[AnyServed]:
    checkouts = Checkouts(
        parts.readers,
        parts.order_tokens,
        parts.pools.customers,
        parts.codes,
        parts.clock,
        offer_seconds=parts.deployment.settings.offer_seconds,
        signed_fields=SIGNED_FIELDS,
        max_body_bytes=parts.deployment.settings.max_body_bytes,
        chooser=parts.chooser,
    )
    return [
        *products.routes(parts.pools.search, parts.products),
        *cart.routes(parts.carts, parts.pools.customers),
        *checkout.routes(checkouts, parts.idempotency),
        *payments.routes(Payments(parts.order_tokens, parts.settlement), watch.payment),
    ]
