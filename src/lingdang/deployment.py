"""What a shop stands on, and the parts that its server and its commands make of it alike."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import psycopg

from lingdang.catalog.memory import Memory
from lingdang.clock import Clock, system_clock
from lingdang.db.pool import Pool, connect_options
from lingdang.events.webhooks.couriers import Couriers
from lingdang.events.webhooks.sending import Rules
from lingdang.identity.sessions import Sessions
from lingdang.journal.sealer import Sealer
from lingdang.journal.sealing import Sealing
from lingdang.journal.seals import SealKeys
from lingdang.journal.statements import Statements
from lingdang.journal.witness import Witness
from lingdang.keys import Keyring, ensure_keyring
from lingdang.ledger.settled import ReadSettled, nothing
from lingdang.ledger.settlement import Settlement
from lingdang.settings import Settings
from lingdang.signer import Signer
from lingdang.topup.parts import Ground, Topups
from lingdang.watch import UNWATCHED, Watch

SETTLEMENT = "settlement"
"""The name of the settlement's lane."""


class Deployment(msgspec.Struct, frozen=True):
    """What one worker stands on: the settings, the database that is there, and the keyring."""

    settings: Settings
    database_url: str
    keyring: Keyring
    buckets: int
    clock: Clock = system_clock


def deploy(settings: Settings, url: str) -> Deployment:
    """What is served or worked on, from the settings and a migrated database. Raises KeyringError."""
    keyring = Keyring(ensure_keyring(settings.keyring_file, settings.data_path))
    return Deployment(settings, url, keyring, read_buckets(url, settings))


def read_buckets(database_url: str, settings: Settings) -> int:
    """How many buckets this database was made with."""
    with psycopg.connect(database_url, **connect_options(settings.pgbouncer)) as connection:
        row = connection.execute("SELECT buckets FROM deployment").fetchone()
    assert row is not None, "a migrated database has its one deployment row"
    return int(row[0])


def make_settlement(deployment: Deployment, memory: Memory, watch: Watch = UNWATCHED) -> Settlement:
    """A settlement on the deployment's database, not yet open."""
    settings = deployment.settings
    return Settlement(
        deployment.database_url,
        memory,
        buckets=deployment.buckets,
        clock=deployment.clock,
        pgbouncer=settings.pgbouncer,
        queue_limit=settings.queue_limit,
        batch_limit=settings.batch_limit,
        seconds=settings.command_seconds,
        give_up_seconds=settings.give_up_seconds,
        observe=watch.lane(SETTLEMENT),
        observe_database=lambda seconds: watch.database(SETTLEMENT, seconds),
    )


@asynccontextmanager
async def settling(deployment: Deployment, watch: Watch = UNWATCHED) -> AsyncIterator[Settlement]:
    """A settlement of one's own, open for as long as the block."""
    settlement = make_settlement(deployment, Memory(), watch)
    settlement.open()
    try:
        yield settlement
    finally:
        await settlement.close()


def make_sealer(deployment: Deployment, pool: Pool, settled: Callable[[], float] = lambda: 0.0) -> Sealer:
    """The deployment's sealer of the journal; `settled` as in Sealer."""
    settings, keyring = deployment.settings, deployment.keyring
    sealing = Sealing(SealKeys(keyring), Signer(keyring), settings.issuer, deployment.buckets)
    deadline = timedelta(seconds=settings.seal_deadline_seconds)
    return Sealer(pool, sealing, deployment.clock, deadline, make_witness(deployment), settled)


def make_couriers(deployment: Deployment, pool: Pool, settled: ReadSettled = nothing) -> Couriers:
    """What delivers to the deployment's webhooks; `settled` as in Couriers."""
    settings = deployment.settings
    return Couriers(
        pool,
        deployment.keyring,
        Rules.of(settings),
        deployment.clock,
        deployment.buckets,
        settings.wallet_low,
        make_witness(deployment),
        settled,
    )


def make_topups(deployment: Deployment, pool: Pool, settlement: Settlement) -> Topups:
    """The deployment's top-ups. Raises SettingsError for an account that cannot be."""
    ground = Ground(
        deployment.settings, deployment.database_url, deployment.keyring, deployment.buckets, deployment.clock
    )
    return Topups(ground, pool, settlement)


def make_statements(deployment: Deployment) -> Statements:
    """The deployment's way to make statements of account."""
    keyring = deployment.keyring
    return Statements(SealKeys(keyring), Signer(keyring), deployment.settings.issuer)


def make_witness(deployment: Deployment) -> Witness:
    """Where the newest checkpoint of the journal is kept: beside the keyring, unless a setting names the file."""
    named = deployment.settings.witness_file
    return Witness(Path(named).expanduser() if named else deployment.keyring.path.with_name("witness.jws"))


def make_sessions(deployment: Deployment) -> Sessions:
    """The deployment's way to issue and verify sessions."""
    settings = deployment.settings
    return Sessions(deployment.keyring, deployment.buckets, settings.sign_types, settings.session_seconds)
