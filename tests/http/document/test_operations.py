"""An operation in the document says what its route's declaration says."""

from typing import Any

from lingdang.http.document import document
from lingdang.http.document.operations import path_of
from lingdang.http.route import AnyRoute
from lingdang.routes import access, entitlements, health, payments
from lingdang.routes.examples.events import HOOKS
from tools.document import declared

DOCUMENT = document(declared().values(), HOOKS)


def described_operation(route: AnyRoute) -> dict[str, Any]:
    operation: dict[str, Any] = DOCUMENT["paths"][path_of(route)][route.method.lower()]
    return operation


def test_a_path_has_its_parameters_as_on_the_wire() -> None:
    assert path_of(entitlements.ENTITLEMENT) == "/v1/entitlements/{productId}"


def test_who_may_call() -> None:
    def proofs(operation: dict[str, Any]) -> list[set[str]]:
        return [set(each) for each in operation["security"]]

    assert proofs(described_operation(health.ALIVE)) == []
    assert proofs(described_operation(entitlements.ENTITLEMENTS)) == [{"session"}]
    assert {"session"} in proofs(described_operation(access.ACCESS))


def test_a_payment_has_a_name_a_body_and_its_refusals() -> None:
    operation = described_operation(payments.PAY)
    assert operation["operationId"] == "confirmPayment"
    [content] = operation["requestBody"]["content"].values()
    assert content["example"]["productIds"]
    assert {"200", "400", "402", "403", "409", "410", "503"} <= operation["responses"].keys()
