"""Statements of account: what they state, that they join up, and that nothing in them can be changed."""

import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from lingdang.clock import rfc3339, system_clock
from lingdang.journal import statements
from lingdang.journal.statement import verify_file
from lingdang.signer import SignatureError, Signer
from support.buyer import Buyer, buyer, give
from support.customers import key_of
from support.journal import seal_all
from support.money import credit, open_settlement
from support.refunds import desk_of, refund
from support.shop import Shop
from support.statements import spend, state

EXAMPLE = Path(__file__).parents[2] / "examples" / "verify_statement.py"


async def test_all_of_a_wallet(shop: Shop) -> None:
    ann = await spend(shop)
    _, statement, cursor = await state(ann)
    assert (statement.iss, statement.sub, statement.currency, cursor) == ("lingdang", "ann", "BELL", None)
    assert (statement.opening.seq, statement.opening.balance, statement.opening.chain) == (0, 0, "0" * 64)
    assert [(t.seq, t.kind) for t in statement.transfers] == [(1, "credit"), (2, "payment"), (3, "payment")]
    balance = (await ann.get("/v1/wallet")).json()["balances"][0]["balance"]
    assert (statement.closing.seq, statement.closing.balance, statement.sealed_to) == (3, balance, 2)
    assert (statement.customer, statement.others) == (str(key_of("ann")), [])
    assert [t.cause for t in statement.transfers[1:]] == [t.reference for t in statement.transfers[1:]]
    await seal_all(shop.database_url, shop.keyring)
    _, again, _ = await state(ann)
    assert (again.closing, again.sealed_to) == (statement.closing, 3)
    ((chain,),) = shop.sql("SELECT encode(chain, 'hex') FROM seal WHERE last_seq = 3")
    assert again.closing.chain == chain


async def test_periods_and_pages_join_up(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await spend(shop)
    (moment,) = shop.sql("SELECT at FROM transfer WHERE seq = 2")[0]
    texts = []
    for period in ({"to": rfc3339(moment)}, {"from": rfc3339(moment)}):
        text, statement, _ = await state(ann, **period)
        texts.append(text)
        assert len(statement.transfers) in (1, 2)
    keys = Signer(shop.keyring).public_keys()
    assert [len(s.transfers) for s in verify_file("\n".join(texts) + "\n", keys)] == [1, 2]
    with pytest.raises(SignatureError, match="line 2: it does not go on from where the line before ends"):
        verify_file("\n".join(reversed(texts)), keys)

    monkeypatch.setattr(statements, "LIMIT", 1)
    pages: list[str] = []
    cursor = None
    while cursor or not pages:
        text, _, cursor = await state(ann, **({"cursor": cursor} if cursor else {}))
        pages.append(text)
    assert [[t.seq for t in s.transfers] for s in verify_file("\n".join(pages), keys)] == [[1], [2], [3]]


async def test_a_day_is_a_whole_one_of_the_shop_s_zone(shop: Shop) -> None:
    ann = await spend(shop)
    today = system_clock().astimezone(ZoneInfo("Asia/Shanghai"))
    yesterday = today - timedelta(days=1)
    for since, until, count in ((today, today, 3), (yesterday, today, 3), (yesterday, yesterday, 0)):
        _, statement, _ = await state(ann, **{"from": f"{since:%Y-%m-%d}", "to": f"{until:%Y-%m-%d}"})
        assert len(statement.transfers) == count
        beginning = since.replace(hour=0, minute=0, second=0, microsecond=0)
        assert statement.from_ == rfc3339(beginning)


async def test_nothing_happened(shop: Shop) -> None:
    ann = await spend(shop)
    for period in ({"to": "2020-01-01"}, {"currency": "GEM"}):
        _, empty, _ = await state(ann, **period)
        assert (empty.transfers, empty.opening.seq, empty.closing.balance) == ([], 0, 0)
    _, later, _ = await state(ann, **{"from": rfc3339(system_clock()), "to": "2099-01-01T00:00:00+08:00"})
    assert (later.transfers, later.opening) == ([], later.closing)
    assert later.opening.seq == 3


async def earn(shop: Shop) -> Buyer:
    """Ann with credits of two currencies in turn: BELL, GEM, BELL, GEM, BELL."""
    async with open_settlement(shop.database_url) as settlement:
        for number, currency in enumerate(("BELL", "GEM", "BELL", "GEM", "BELL")):
            command = credit("ann", number + 1, credit_id=f"c-{number}")
            await settlement.submit(structs.replace(command, currency=currency))
    return buyer(shop)


async def test_of_another_currency_only_the_place_is_told(shop: Shop) -> None:
    ann = await earn(shop)
    await seal_all(shop.database_url, shop.keyring)
    chains = set()
    for currency, own, others, balance in (
        ("BELL", [1, 3, 5], [2, 4], 9),
        ("GEM", [2, 4], [1, 3, 5], 6),
        ("NONE", [], [1, 2, 3, 4, 5], 0),
    ):
        _, statement, _ = await state(ann, currency=currency)
        assert [t.seq for t in statement.transfers] == own
        assert [o.seq for o in statement.others] == others
        assert (statement.closing.seq, statement.closing.balance, statement.sealed_to) == (5, balance, 5)
        chains.add(statement.closing.chain)
    assert len(chains) == 1, "they are of one journal"


async def test_pages_over_two_currencies_join_up(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The balance of a page's opening may be of a row that stands far before it; `others` count as rows."""
    ann = await earn(shop)
    await seal_all(shop.database_url, shop.keyring)
    for limit in (1, 2, 3):
        monkeypatch.setattr(statements, "LIMIT", limit)
        for currency, own in (("BELL", [(1, 1), (3, 4), (5, 9)]), ("GEM", [(2, 2), (4, 6)])):
            pages: list[str] = []
            cursor = None
            while cursor or not pages:
                text, page, cursor = await state(ann, currency=currency, **({"cursor": cursor} if cursor else {}))
                assert len(page.transfers) + len(page.others) <= limit
                pages.append(text)
            stated = verify_file("\n".join(pages), Signer(shop.keyring).public_keys())
            assert [(t.seq, t.balance) for s in stated for t in s.transfers] == own


async def test_an_opening_that_was_tampered_with_is_not_signed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its balance is of a row that is in no page, and that row is compared with its seal."""
    ann = await earn(shop)
    await seal_all(shop.database_url, shop.keyring)
    monkeypatch.setattr(statements, "LIMIT", 1)
    _, _, first = await state(ann)
    _, _, second = await state(ann, cursor=first)
    shop.sql("UPDATE transfer SET balance = 7 WHERE seq = 1")
    answer = await ann.get("/v1/wallet/statement", cursor=second)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")


async def test_a_clock_set_back_moves_no_row_into_another_period(shop: Shop) -> None:
    """What comes after a row of tomorrow is of tomorrow: a period ends at one row."""
    ann = await spend(shop)
    tomorrow = system_clock().replace(microsecond=0) + timedelta(days=1)
    shop.sql("UPDATE transfer SET at = %s WHERE seq = 3", (tomorrow,))
    shop.sql("UPDATE wallet SET moved_at = %s", (tomorrow,))
    await give(shop, "ann", 5)
    assert shop.sql("SELECT at FROM transfer WHERE seq = 4") == [(tomorrow,)]
    _, until, _ = await state(ann)
    assert [t.seq for t in until.transfers] == [1, 2]


async def test_what_cannot_be_asked(shop: Shop) -> None:
    ann = await spend(shop)
    tomorrow = rfc3339(system_clock() + timedelta(days=1))
    for params, path in (
        ({"from": "yesterday"}, "$.from"),
        ({"from": "2026-13-01"}, "$.from"),
        ({"from": "0001-01-01T00:00:00+23:59"}, "$.from"),
        ({"from": tomorrow}, "$.from"),
        ({"from": "2026-01-02", "to": "2026-01-01"}, "$.from"),
        ({"to": "20260101"}, "$.to"),
        ({"currency": "bell"}, "$.currency"),
        ({"cursor": "x"}, "$.cursor"),
        ({"cursor": "OTk"}, "$.cursor"),
    ):
        answer = await ann.get("/v1/wallet/statement", **params)
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, path), params
    assert (await shop.http.get("/v1/wallet/statement")).status_code == 401


async def test_what_was_tampered_with_is_not_signed(shop: Shop) -> None:
    ann = await spend(shop)
    shop.sql("UPDATE transfer SET balance = balance + 1 WHERE seq = 2")
    answer = await ann.get("/v1/wallet/statement")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")


async def test_a_refund_is_stated_and_one_that_was_tampered_with_is_not_signed(shop: Shop) -> None:
    ann = await spend(shop)
    order_id = shop.sql("SELECT order_id FROM orders ORDER BY seq LIMIT 1")[0][0]
    done = await refund(shop, await desk_of(shop), str(order_id), "case-1")
    await seal_all(shop.database_url, shop.keyring)
    _, statement, _ = await state(ann)
    row = statement.transfers[-1]
    assert (row.seq, row.kind, row.reference, row.amount) == (4, "refund", "case-1", 100)
    assert (statement.closing.balance, statement.sealed_to) == (done.json()["balance"], 4)
    shop.sql("UPDATE transfer SET detail = replace(detail::text, 'customer_request', 'goodwill')::json WHERE seq = 4")
    answer = await ann.get("/v1/wallet/statement")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")


async def test_the_example_verifies_with_two_libraries_alone(shop: Shop, tmp_path: Path) -> None:
    ann = await spend(shop)
    await earn(shop)
    jwks = tmp_path / "jwks.json"
    jwks.write_bytes((await shop.http.get("/.well-known/jwks.json")).content)
    file = tmp_path / "statement.jws"
    for currency in ("BELL", "GEM"):
        text, statement, _ = await state(ann, currency=currency)
        assert statement.others
        for content, code in ((text, 0), (text[:-40] + ("A" if text[-40] != "A" else "B") + text[-39:], 1)):
            file.write_text(content + "\n")
            result = await asyncio.to_thread(run_example, file, jwks)
            assert result.returncode == code, result.stderr
            assert (f"balance {statement.closing.balance}: sound" in result.stdout) == (code == 0)


def run_example(file: Path, jwks: Path) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [sys.executable, "-I", EXAMPLE, file, jwks]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
