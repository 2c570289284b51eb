"""The composition root: builds every part once and joins their routes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from litestar import Litestar

from lingdang.background import Background, Means
from lingdang.bulkheads import Bulkheads, shares, show_pool
from lingdang.cart.carts import Carts
from lingdang.catalog.memory import Memory
from lingdang.catalog.reading import ProductReader
from lingdang.catalog.strangers import Strangers
from lingdang.checkout.checkouts import Checkouts
from lingdang.checkout.order_token import OrderTokens
from lingdang.checkout.reading import CheckoutReader
from lingdang.coupons.chooser import Chooser
from lingdang.coupons.guessing import CodeLimits
from lingdang.db.gathered import Gathered
from lingdang.db.lane import Lane
from lingdang.db.probe import Probe
from lingdang.deployment import (
    Deployment,
    make_sessions,
    make_settlement,
    make_statements,
    make_topups,
    make_witness,
)
from lingdang.events.feed import Feed
from lingdang.events.webhooks.secrets import Secrets
from lingdang.events.webhooks.sending import Rules, Sender
from lingdang.http.answers import with_page
from lingdang.http.bound import Gate, bound
from lingdang.http.entry import WAYS, Entry
from lingdang.http.framework import framework_route
from lingdang.http.idempotency import Idempotency
from lingdang.http.route import AnyServed
from lingdang.identity.api_keys import ApiKeys
from lingdang.identity.login_limits import LoginLimits
from lingdang.identity.logins import Logins
from lingdang.identity.passwords import Passwords
from lingdang.identity.platform_tokens import PlatformTokens
from lingdang.identity.proofs import Proofs
from lingdang.ledger.settlement import Settlement
from lingdang.library.entitlements import Rights
from lingdang.library.links import Links
from lingdang.library.receipts import Receipts
from lingdang.library.refunds import Policy
from lingdang.pacing import Pacing
from lingdang.payment.payments import Payments
from lingdang.payment.signing import SIGNED_FIELDS
from lingdang.routes import (
    access,
    admin_coupons,
    admin_customers,
    admin_events,
    admin_holdings,
    admin_orders,
    admin_products,
    admin_refunds,
    admin_rights,
    admin_topups,
    admin_wallets,
    admin_webhooks,
    cart,
    checkout,
    described,
    entitlements,
    gift_codes,
    health,
    orders,
    pages,
    payments,
    products,
    receipts,
    refunds,
    sandbox,
    sessions,
    signing_lab,
    topups,
    vouchers,
    wallet,
)
from lingdang.settings import Settings
from lingdang.signer import Signer
from lingdang.topup.beginning import Beginning
from lingdang.topup.limits import Caps
from lingdang.topup.purchasing import Purchasing
from lingdang.topup.receiving import Receiving
from lingdang.watch import UNWATCHED, Watch
from lingdang.web.reading import Texts


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
        [framework_route(each, settings.max_body_bytes) for each in usual],
        lifespan=[parts.lifespan],
        exception_handlers=with_page(pages.nowhere()),
        openapi_config=None,
        logging_config=None,
    )
    entry = Entry(
        framework,
        short,
        max_body_bytes=settings.max_body_bytes,
        observe=watch.request,
        origins=settings.cors_origins,
        elsewhere=[each.path for each in usual],
    )
    entry.at_stop.append(parts.feed.arrivals.close)
    for way in WAYS:
        watch.gauge("lingdang_http_requests_by_way_total", way, partial(entry.taken.__getitem__, way))
    return entry


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
        self.links = Links(deployment.keyring, self.access_rights, deployment.buckets)
        self.platform_tokens = PlatformTokens.configured(deployment.settings)
        self.order_tokens = OrderTokens(deployment.keyring)
        self.idempotency = Idempotency(self.pools.customers, deployment.keyring)
        self.memory = Memory()
        self.settlement = make_settlement(deployment, self.memory, watch)
        self.topups = make_topups(deployment, self.pools.customers, self.settlement)
        self.receiving = Receiving(self.topups.accounts, self.topups.inbox, self.topups.following)
        means = Means(deployment, self.pools.background, self.settlement, self.topups, self.settlement.settled)
        self.background = Background(means, runs=settings.background == "server")
        self.feed = Feed(
            self.pools.reports,
            deployment.buckets,
            settings.wallet_low,
            make_witness(deployment),
            means.seconds_settled,
        )
        self.sender = Sender(Rules.of(settings))
        self.carts = Carts(self._lane(), self.memory, self.clock, observe=watch.lane("cart"))
        self.products = ProductReader(self._lane(), self.memory, self.clock, observe=watch.lane("products"))
        self.public = products.Public(*_strangers(settings)) if settings.public_catalogue else None
        self.readers = [self._reader(bucket, watch) for bucket in range(deployment.buckets)]

    def show(self, watch: Watch) -> None:
        """Have the present values read for the metrics."""
        watch.gauge("lingdang_queue_length", "settlement", self.settlement.__len__)
        watch.gauge("lingdang_queue_length", "cart", self.carts.__len__)
        watch.gauge("lingdang_queue_length", "products", self.products.__len__)
        watch.gauge("lingdang_queue_length", "checkout", lambda: sum(map(len, self.readers)))
        for pool in self.pools:
            show_pool(pool, watch)
        self.background.show(watch)

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
            lanes: list[Settlement | Gathered] = [
                self.settlement,
                self.carts,
                self.products,
                *self.readers,
            ]
            for lane in lanes:
                lane.open()
                stack.push_async_callback(lane.close)
            stack.push_async_callback(self.topups.close)
            stack.callback(self.feed.arrivals.close)
            stack.push_async_callback(self.sender.close)
            await stack.enter_async_context(self.background.running())
            yield


def _served(parts: _Parts, watch: Watch) -> list[AnyServed]:
    """Every route with its handler, and last the document that describes them."""
    served = [*_signing_in(parts), *_buying(parts, watch), *_bought(parts), *_operators(parts), *_pages(parts, watch)]
    return [*served, *described.routes([each.route for each in served])]


def _signing_in(parts: _Parts) -> list[AnyServed]:
    settings, pool = parts.deployment.settings, parts.pools.sign_in
    limits = LoginLimits(
        pool,
        parts.clock,
        settings.login_limit_customer,
        settings.login_limit_address,
        settings.login_window_seconds,
    )
    logins = Logins(pool, parts.deployment.buckets, parts.passwords, limits)
    proofs = Proofs(logins, parts.platform_tokens, pool, parts.pacing)
    return sessions.routes(parts.sessions, proofs, Idempotency(pool, parts.deployment.keyring), parts.pools.customers)


def _buying(parts: _Parts, watch: Watch) -> list[AnyServed]:
    settings, pool = parts.deployment.settings, parts.pools.customers
    checkouts = Checkouts(
        parts.readers,
        parts.order_tokens,
        pool,
        parts.codes,
        parts.clock,
        offer_seconds=settings.offer_seconds,
        signed_fields=SIGNED_FIELDS,
        max_body_bytes=settings.max_body_bytes,
        chooser=parts.chooser,
    )
    return [
        *products.routes(parts.pools.search, parts.products, parts.public),
        *cart.routes(parts.carts, pool),
        *vouchers.routes(pool, parts.codes, parts.idempotency),
        *checkout.routes(checkouts, parts.idempotency),
        *payments.routes(Payments(parts.order_tokens, parts.settlement), watch.payment),
    ]


def _strangers(settings: Settings) -> tuple[Strangers, Strangers]:
    """Of the connections for searches strangers have half, of what waits in the lane of products a small part."""
    searches = max(1, shares(settings.pool_size)["search"] // 2)
    return Strangers(searches, waiting=50), Strangers(at_once=128, waiting=256)


def _bought(parts: _Parts) -> list[AnyServed]:
    deployment, pool = parts.deployment, parts.pools.customers
    settings, policy = deployment.settings, parts.refund_policy
    made = Receipts(Signer(deployment.keyring), settings.issuer, settings.receipt_seconds)
    texts = Texts(Path(settings.texts_dir).expanduser() if settings.texts_dir else None)
    return [
        *orders.routes(pool),
        *wallet.routes(pool, parts.pools.reports, make_statements(deployment), settings.zone),
        *entitlements.routes(pool, Rights(pool, policy.offered), made, parts.links),
        *access.routes(parts.access_rights, parts.links, parts.products, texts),
        *receipts.routes(made, parts.pools.access),
        *refunds.routes(pool, parts.settlement, policy),
        *_topping_up(parts),
    ]


def _topping_up(parts: _Parts) -> list[AnyServed]:
    deployment, pool, accounts = parts.deployment, parts.pools.customers, parts.topups.accounts
    settings = deployment.settings
    caps = Caps(settings.topup_limits, settings.zone)
    following = parts.topups.following
    beginning = Beginning(pool, accounts, following, caps, settings.public_url, settings.return_origins)
    gifts = gift_codes.routes(pool, parts.pools.operators, parts.topups.redeeming, parts.codes, parts.idempotency)
    served = gifts + topups.routes(
        pool,
        beginning,
        parts.receiving,
        Purchasing(pool, accounts, parts.topups.inbox, following),
        parts.idempotency,
    )
    if "sandbox" in accounts:
        served += sandbox.routes(accounts["sandbox"], parts.receiving, deployment.clock)
    return served


def _operators(parts: _Parts) -> list[AnyServed]:
    pool, buckets, settlement = parts.pools.operators, parts.deployment.buckets, parts.settlement
    settings = parts.deployment.settings
    return [
        *admin_customers.routes(pool, parts.passwords, buckets),
        *admin_holdings.routes(pool, buckets),
        *admin_products.routes(pool),
        *admin_wallets.routes(pool, settlement),
        *admin_coupons.routes(pool, buckets, parts.clock),
        *admin_orders.routes(pool, buckets, settings.zone, settings.offer_seconds),
        *admin_refunds.routes(pool, settlement, parts.refund_policy),
        *admin_topups.routes(pool, parts.topups.desk()),
        *admin_rights.routes(pool, settlement, parts.refund_policy, buckets),
        *admin_events.routes(parts.feed),
        *admin_webhooks.routes(pool, Secrets(parts.deployment.keyring), parts.sender, parts.feed, buckets),
    ]


def _pages(parts: _Parts, watch: Watch) -> list[AnyServed]:
    settings = parts.deployment.settings
    public = parts.public and pages.Public(parts.products, parts.public.pages, settings.public_url or "")
    return [
        *pages.routes(
            settings.sign_types, settings.demo, settings.refund_days, public, topups=bool(parts.topups.accounts)
        ),
        *(signing_lab.routes() if settings.demo else []),
        *health.routes(parts.probe, watch.scrape),
    ]
