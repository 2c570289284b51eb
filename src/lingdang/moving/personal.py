"""One customer's data: all of it told, the person behind it erased, the custId changed.

Rows carry the customer's key and never change; the custId stands in one place. So erasing takes the name away from the
key, and what the shop keeps beside the journal: the journal stays whole, sealed, and about nobody.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg

from lingdang.db.pool import connect_options
from lingdang.deployment import Deployment
from lingdang.errors import CommandError
from lingdang.identity.customers import ERASED
from lingdang.identity.sweep import GRACE
from lingdang.ids import bucket_of, newest_uuid7
from lingdang.moments import BEYOND
from lingdang.moving import former_names, moves
from lingdang.moving.staging import Connection
from lingdang.settings import MOST_SECONDS

_FIND = "SELECT customer FROM customer WHERE customer_id = %s"
_LOCK = "SELECT customer FROM customer WHERE customer_id = %s FOR UPDATE"

_EXPORT = """
SELECT json_build_object(
    'custId', c.customer_id, 'createdAt', journal_moment(c.created_at), 'groups', c.groups,
    'passwordChangedAt', journal_moment(c.password_changed_at),
    'formerCustIds', (SELECT coalesce(json_agg(f.customer_id ORDER BY f.customer_id), '[]')
                        FROM former_name f WHERE f.customer = %(customer)s),
    'wallets', (SELECT coalesce(json_agg(json_build_object(
                'currency', w.currency, 'balance', w.balance, 'lots', w.lots, 'remaining', w.remaining,
                'debt', w.debt, 'frozen', coalesce(f.bells, 0))), '[]')
                  FROM wallet w LEFT JOIN frozen f USING (bucket, customer, currency)
                 WHERE w.bucket = %(bucket)s AND w.customer = %(customer)s AND w.currency <> ''),
    'journal', (SELECT coalesce(json_agg(json_build_object(
                'seq', t.seq, 'at', journal_moment(t.at), 'kind', t.kind, 'currency', t.currency,
                'reference', journal_reference(t.kind, t.cause, t.detail), 'amount', t.amount, 'balance', t.balance,
                'accounts', t.accounts, 'amounts', t.amounts, 'detail', t.detail) ORDER BY t.seq), '[]')
                  FROM transfer t WHERE t.bucket = %(bucket)s AND t.customer = %(customer)s),
    'notices', (SELECT coalesce(json_agg(json_build_object(
                'at', journal_moment(n.at), 'type', n.type, 'data', n.data) ORDER BY n.position), '[]')
                  FROM notice n WHERE n.bucket = %(bucket)s AND n.customer = %(customer)s),
    'entitlements', (SELECT coalesce(json_agg(json_build_object(
                     'productId', e.product_id, 'grantedBy', e.granted_by, 'openedAt', journal_moment(e.opened_at))
                     ORDER BY e.product_id), '[]')
                       FROM entitlement e WHERE e.bucket = %(bucket)s AND e.customer = %(customer)s),
    'vouchers', (SELECT coalesce(json_agg(json_build_object(
                 'voucherId', v.voucher_id, 'couponId', v.coupon_id, 'claimedAt', journal_moment(v.claimed_at),
                 'expiresAt', journal_moment(v.expires_at), 'usedBy', v.used_by, 'usedAt', journal_moment(v.used_at),
                 'saved', v.saved) ORDER BY v.claimed_at, v.voucher_id), '[]')
                   FROM voucher v WHERE v.bucket = %(bucket)s AND v.customer = %(customer)s),
    'pastOrders', (SELECT coalesce(json_agg(json_build_object(
                   'orderId', p.order_id, 'move', p.move, 'paidAt', journal_moment(p.paid_at), 'currency', p.currency,
                   'total', p.total, 'status', p.status, 'lines', p.lines)
                   ORDER BY p.paid_at, p.move, p.order_id), '[]')
                     FROM past_order p WHERE p.bucket = %(bucket)s AND p.customer = %(customer)s),
    'cart', (SELECT coalesce(json_agg(json_build_object(
             'productId', i.product_id, 'ticked', i.ticked, 'addedAt', journal_moment(i.added_at))
             ORDER BY i.product_id), '[]')
               FROM cart_item i WHERE i.bucket = %(bucket)s AND i.customer = %(customer)s),
    'sessions', (SELECT coalesce(json_agg(json_build_object(
                 'sessionId', s.session_id, 'expiresAt', journal_moment(s.expires_at)) ORDER BY s.expires_at), '[]')
                   FROM password_session s WHERE s.bucket = %(bucket)s AND s.customer = %(customer)s),
    'signIns', (SELECT coalesce(json_agg(json_build_object(
                'subject', l.subject, 'failedAt', l.attempts, 'expiresAt', journal_moment(l.expires_at))), '[]')
                  FROM login_attempt l WHERE SIGN_INS),
    'answersKept', (SELECT coalesce(json_agg(json_build_object(
                    'request', i.owner, 'createdAt', journal_moment(i.created_at),
                    'expiresAt', journal_moment(i.expires_at)) ORDER BY i.created_at), '[]')
                      FROM idempotency i WHERE split_part(i.owner, ' ', 3) = %(cust_id)s),
    'moves', (SELECT coalesce(json_agg(json_build_object('move', m.move, 'groups', m.groups)), '[]')
                FROM moved_customer m WHERE m.bucket = %(bucket)s AND m.customer = %(customer)s))::text
  FROM customer c WHERE c.customer = %(customer)s
"""
_SIGN_INS = """
(l.subject = 'customer ' || %(cust_id)s::text OR starts_with(l.subject, 'known ' || %(cust_id)s::text || ' '))
"""

_HELD = """
SELECT currency, balance, coalesce(f.bells, 0), debt FROM wallet LEFT JOIN frozen f USING (bucket, customer, currency)
 WHERE bucket = %(bucket)s AND customer = %(customer)s AND (balance > 0 OR debt > 0 OR f.bells > 0) ORDER BY currency
"""
# However a session was opened: its id tells when.
_END_SESSIONS = """
INSERT INTO session_end (bucket, customer, session_id, expires_at, all_before)
VALUES (%(bucket)s, %(customer)s, %(last)s, %(until)s, true) ON CONFLICT DO NOTHING
"""
# Workers of a version that knows no `all_before` find these.
_END_EACH = """
INSERT INTO session_end (bucket, customer, session_id, expires_at)
SELECT bucket, customer, session_id, expires_at FROM password_session
 WHERE bucket = %(bucket)s AND customer = %(customer)s ON CONFLICT DO NOTHING
"""
# What is kept by the custId: whoever has it next must not find it.
_FORGET_NAME = (
    "DELETE FROM login_attempt l WHERE SIGN_INS",
    "DELETE FROM idempotency WHERE split_part(owner, ' ', 3) = %(cust_id)s",
)
_FORGET = (
    *_FORGET_NAME,
    "DELETE FROM password_session WHERE bucket = %(bucket)s AND customer = %(customer)s",
    "DELETE FROM former_name WHERE customer = %(customer)s",
    "DELETE FROM past_order WHERE bucket = %(bucket)s AND customer = %(customer)s",
    "DELETE FROM cart_item WHERE bucket = %(bucket)s AND customer = %(customer)s",
    "DELETE FROM moved_customer WHERE bucket = %(bucket)s AND customer = %(customer)s",
)
_ERASE = """
UPDATE customer SET customer_id = %(nobody)s, password_hash = NULL, password_changed_at = NULL, groups = '{}'
 WHERE customer = %(customer)s
"""
# Sessions of the new name are younger than those that end, those of a renaming just before as well.
_RENAME = """
UPDATE customer SET customer_id = %(new)s,
       sessions_after = greatest(%(sessions_after)s, sessions_after + interval '2 seconds')
 WHERE customer = %(customer)s RETURNING sessions_after
"""


def export_customer(deployment: Deployment, cust_id: str) -> bytes:
    """Everything that is kept of one customer, as JSON. Raises CommandError for one nobody has heard of."""
    with _session(deployment) as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        place = _place(deployment, connection, cust_id, _FIND)
        row = connection.execute(_told(_EXPORT), place).fetchone()
    assert row is not None, "the customer was found in this snapshot"
    return msgspec.json.format(str(row[0]).encode(), indent=2)


def erase_customer(deployment: Deployment, cust_id: str, *, despite_bells: bool) -> None:
    """Take the name from the customer's key, with all that is kept beside the journal.

    Raises CommandError for a customer nobody has heard of, and for one with bells, frozen ones too, or a debt unless
    `despite_bells`.
    """
    with _session(deployment) as connection, connection.transaction():
        place = _place(deployment, connection, cust_id, _LOCK)
        held = connection.execute(_HELD, place).fetchall()
        if held and not despite_bells:
            raise CommandError(
                f"{cust_id} has {_bells(held)}, for nobody to spend or pay then: --despite-bells erases all the same"
            )
        _end_sessions(connection, place, newest_uuid7(BEYOND))
        for statement in _FORGET:
            connection.execute(_told(statement), place)
        connection.execute(_ERASE, {**place, "nobody": f"{ERASED}{uuid4()}"})


def _bells(held: Sequence[tuple[Any, ...]]) -> str:
    """What wallets hold and owe, in words."""
    parts: list[str] = []
    for currency, balance, frozen, debt in held:
        told = ((balance, ""), (frozen, "frozen "), (debt, "owed "))
        parts += [f"{amount:,} {how}{currency}" for amount, how in told if amount]
    return " and ".join(parts)


def rename_customer(deployment: Deployment, old: str, new: str) -> None:
    """Give a customer another custId. Their sessions end, for the tokens name the old one: however fast the clock was
    that made them, and those as well that somebody is opening by the old name.

    Raises CommandError for a customer nobody has heard of, where the new custId is another customer's, and while a
    move is under way: it would find nobody by the old one.
    """
    with _session(deployment) as connection, connection.transaction():
        moves.require_none(connection)
        place = _place(deployment, connection, old, _LOCK)
        ended = _rename(connection, place, new, deployment.clock() + GRACE)
        _end_sessions(connection, place, newest_uuid7(ended))
        former_names.keep(connection, old, place["customer"])
        former_names.forget(connection, new, place["customer"])
        for statement in _FORGET_NAME:
            connection.execute(_told(statement), place)


def _rename(connection: Connection, place: dict[str, Any], new: str, sessions_after: datetime) -> datetime:
    """Answers up to which moment sessions end. Raises CommandError where the custId is another customer's."""
    try:
        row = connection.execute(_RENAME, {**place, "new": new, "sessions_after": sessions_after}).fetchone()
    except psycopg.errors.UniqueViolation:
        raise CommandError(f"{new} is another customer") from None
    assert row is not None, "the customer is locked"
    ended: datetime = row[0]
    return ended


def _end_sessions(connection: Connection, place: dict[str, Any], last: UUID) -> None:
    """End all of the customer's sessions up to this one, for as long as any of them could be valid."""
    connection.execute(_END_EACH, place)
    connection.execute(_END_SESSIONS, {**place, "last": last})


def _session(deployment: Deployment) -> Connection:
    return psycopg.connect(deployment.database_url, **connect_options(deployment.settings.pgbouncer))


def _place(deployment: Deployment, connection: Connection, cust_id: str, find: str) -> dict[str, Any]:
    """What names the customer in statements. Raises CommandError."""
    row = connection.execute(find.encode(), (cust_id,)).fetchone()
    if row is None:
        raise CommandError(f"nobody has heard of the customer {cust_id}")
    until = deployment.clock() + timedelta(seconds=MOST_SECONDS)
    return {"cust_id": cust_id, "customer": row[0], "bucket": bucket_of(row[0], deployment.buckets), "until": until}


def _told(sql: str) -> bytes:
    return sql.replace("SIGN_INS", _SIGN_INS).encode()
