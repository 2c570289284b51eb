"""The document names the headers that a route reads and answers."""

from lingdang.http.document.headers import ANSWERED, answer_headers, asked_headers, header_parameters
from lingdang.routes import access, entitlements, health
from support.declared import declared


def names(references: list[dict[str, str]]) -> set[str]:
    return {each.get("name") or each["$ref"].rpartition("/")[2] for each in references}


def test_a_customer_s_route_reads_whose_session_it_is() -> None:
    assert names(asked_headers(entitlements.ENTITLEMENTS)) == {"X-Request-Id", "Accept-Language", "X-Cust-Id"}
    [cust_id] = [each for each in asked_headers(access.ACCESS) if each.get("name") == "X-Cust-Id"]
    assert cust_id["required"] is False, "a link stands in its place"


def test_a_probe_reads_nothing_of_a_customer() -> None:
    assert names(asked_headers(health.ALIVE)) == {"X-Request-Id", "Accept-Language"}


def test_every_reference_leads_somewhere() -> None:
    for route in declared().values():
        assert answer_headers(route.headers).keys() <= ANSWERED.keys()
        references = [each["$ref"] for each in asked_headers(route) if "$ref" in each]
        assert {each.rpartition("/")[2] for each in references} <= header_parameters().keys()
