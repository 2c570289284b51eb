"""EXPLAIN of every statement of a payment, a checkout, a tick and a price read: none reads a table from end to end."""

import psycopg
import pytest

from support.plans import FUNCTIONS, Connection, explain, reads_all, statements


def sequential(connection: Connection, function: str) -> list[str]:
    """The tables that some statement of the function reads from end to end."""
    return [
        node["Relation Name"]
        for statement in statements(connection, function)
        for node in explain(connection, statement)
        if "Relation Name" in node and reads_all(connection, node)
    ]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_statement_scans_a_table(database_url: str, function: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert sequential(connection, function) == []


@pytest.mark.parametrize(
    ("function", "tables"),
    [
        (
            "ledger_load",
            {
                *("wallet", "session_end", "transfer", "entitlement", "voucher", "coupon"),
                "catalogue",
            },
        ),
        ("ledger_found", {"transfer", "entitlement"}),
        ("ledger_since", {"transfer"}),
        ("ledger_write", {"wallet", "transfer", "entitlement", "voucher", "journal_epoch", "cart_item"}),
        (
            "checkout_facts",
            {
                "voucher",
                "coupon",
                "customer",
                "session_end",
                "entitlement",
                "wallet",
                "catalogue",
                "transfer",
            },
        ),
        ("cart_tick", {"cart_item", "product", "session_end", "entitlement", "catalogue"}),
        ("products_read", {"product"}),
        ("catalogue_load", {"catalogue", "session_end"}),
    ],
)
def test_every_table_of_a_function_is_in_the_plans(database_url: str, function: str, tables: set[str]) -> None:
    """The statements are found in the functions' texts: one that were missed would be missed here."""
    with psycopg.connect(database_url) as connection:
        nodes = [node for each in statements(connection, function) for node in explain(connection, each)]
    assert {node["Relation Name"] for node in nodes if "Relation Name" in node} == tables


@pytest.mark.parametrize(
    ("function", "table"),
    [
        *(("ledger_write", name) for name in ("wallet", "entitlement", "voucher", "cart_item")),
        ("cart_tick", "cart_item"),
    ],
)
def test_what_was_found_is_written_at_its_place(database_url: str, function: str, table: str) -> None:
    """The bucket is compared on what is changed too; the row is found by its place all the same."""
    with psycopg.connect(database_url) as connection:
        changes = [nodes for each in statements(connection, function) if (nodes := explain(connection, each))]
    written = [
        node
        for nodes in changes
        if nodes[0].get("Operation") in ("Update", "Delete") and nodes[0]["Relation Name"] == table
        for node in nodes
        if node["Node Type"] == "Tid Scan"
    ]
    assert [(node["Relation Name"], "bucket" in node["Filter"]) for node in written] == [(table, True)]


@pytest.mark.parametrize(
    ("dropped", "function", "table"),
    [
        ("ALTER TABLE wallet DROP CONSTRAINT wallet_pkey", "ledger_load", "wallet"),
        ("ALTER TABLE entitlement DROP CONSTRAINT entitlement_pkey", "checkout_facts", "entitlement"),
        ("DROP INDEX transfer_cause", "ledger_found", "transfer"),
        ("DROP INDEX transfer_cause", "ledger_since", "transfer"),
        ("ALTER TABLE session_end DROP CONSTRAINT session_end_pkey", "catalogue_load", "session_end"),
    ],
)
def test_a_missing_index_is_seen(database_url: str, dropped: str, function: str, table: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(dropped.encode())
        assert table in sequential(connection, function)
        connection.rollback()
