"""A payment's row names each publisher once: in its lines. Whoever reads its accounts reads names all the same."""

import pytest

from lingdang.keys import Keyring
from support.customers import key_of
from support.journal import seal_all, sql, verify
from support.money import add_products, credit, line, open_settlement, pay


async def paid(database_url: str) -> None:
    """One order: two books of Penguin, one of nobody, a free one of Orbit, and one of Tor."""
    books = [
        line("a", 100, 30),
        line("b", 50, publisher=None),
        line("c", 0, publisher="Orbit"),
        line("d", 7, publisher="Tor"),
        line("e", 11),
    ]
    add_products(database_url, *"abcde")
    async with open_settlement(database_url) as settlement:
        await settlement.submit(credit("ann", 500))
        await settlement.submit(pay("ann", *books))


async def test_the_row_holds_numbers_and_the_entries_names(database_url: str) -> None:
    await paid(database_url)
    assert sql(database_url, "SELECT accounts, amounts, detail->0->0 FROM transfer WHERE kind = 'payment'") == [
        (["wallet:paid", 0, 1, 3, "discount"], [-138, 111, 50, 7, -30], ["a", "Title of a", "Penguin", 100, 100, 30])
    ]
    assert sql(database_url, "SELECT account, amount FROM entry WHERE kind = 'payment' ORDER BY leg") == [
        ("wallet:paid", -138),
        ("revenue:Penguin", 111),
        ("revenue:", 50),
        ("revenue:Tor", 7),
        ("discount", -30),
    ]
    assert sql(database_url, "SELECT product_id, payable FROM order_line ORDER BY line") == [
        ("a", 70),
        ("b", 50),
        ("c", 0),
        ("d", 7),
        ("e", 11),
    ]


async def test_what_is_sealed_names_accounts(database_url: str, keyring: Keyring) -> None:
    """So a row that has the names itself and one with numbers are sealed alike."""
    await paid(database_url)
    sealed = f"SELECT accounts, digest FROM journal_content('{{0}}', '{{{key_of('ann')}}}', '{{1}}', 1)"
    names = ["wallet:paid", "revenue:Penguin", "revenue:", "revenue:Tor", "discount"]
    [(accounts, digest)] = sql(database_url, sealed)
    assert accounts == names
    assert await seal_all(database_url, keyring) == 2
    sql(database_url, f"UPDATE transfer SET accounts = '{str(names).replace(chr(39), chr(34))}' WHERE seq = 2")
    assert sql(database_url, sealed) == [(names, digest)]
    assert verify(database_url, keyring).differences == []


@pytest.mark.parametrize("number", ["3", "-1", "5", "0.5", "1e99", "null", '"0"', "[]"])
async def test_another_number_is_found(database_url: str, keyring: Keyring, number: str) -> None:
    """Whatever is put in the place of line 1, whose publisher is nobody."""
    await paid(database_url)
    await seal_all(database_url, keyring)
    sql(database_url, f'UPDATE transfer SET accounts = \'["wallet:paid", 0, {number}, 3, "discount"]\' WHERE seq = 2')
    found = [(d.check, d.detail) for d in verify(database_url, keyring).differences]
    assert found == [("journal_changed", "BELL seq 2")]
