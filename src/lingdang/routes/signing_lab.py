"""Why a payment's signature does not verify. There only in the demo.

It shows what it compares, and so helps whoever is signed in to sign anything with their own session: outside a demo
nobody may ask this.
"""

from lingdang.demo.signing_lab import LabAnswer, LabRequest, diagnose
from lingdang.http.route import AnyServed, Asked, Nothing, Route
from lingdang.identity.session import Session
from lingdang.routes.callers import CUSTOMER

EXAMINE = Route(
    name="examineSignature",
    method="POST",
    path="/v1/demo/signing-lab",
    who=CUSTOMER,
    summary="Why a signature does not verify",
    tag="demo",
    body=LabRequest,
    answer=LabAnswer,
    problems=("not_found",),  # outside the demo there is none
    documented=False,
)


def routes() -> list[AnyServed]:
    """The lab."""

    async def examine(asked: Asked[Session, Nothing, LabRequest]) -> LabAnswer:
        return diagnose(asked.who, asked.body.payment, asked.body.signed_string)

    return [EXAMINE.by(examine)]
