"""The kinds of callers. Which of them may call a route is its `who`, in the modules beside this one."""

from lingdang.http.route import ANYONE, Caller
from lingdang.identity.api_keys import ApiKey, Scope
from lingdang.identity.session import Session

__all__ = ["ANYONE", "CUSTOMER", "CUSTOMER_OR_LINK", "READER", "VISITOR", "operator"]

CUSTOMER: Caller[Session] = Caller("session", ("unauthenticated", "cust_mismatch"))
"""Who sends a session's token and its owner's X-Cust-Id."""

CUSTOMER_OR_LINK: Caller[Session | None] = Caller("session or link", CUSTOMER.problems)
"""Likewise, or whoever sends the parameter `token`, about which the handler decides."""

READER: Caller[Session | None] = Caller("session", CUSTOMER.problems)
"""A customer on a route that a setting opens to visitors."""
VISITOR: Caller[Session | None] = Caller("session or none", CUSTOMER.problems)
"""Whoever sends no Authorization, or else a customer."""


def operator(scope: Scope) -> Caller[ApiKey]:
    """Who sends an API key with the scope."""
    return Caller("key", ("unauthenticated", "scope_missing"), scope)
