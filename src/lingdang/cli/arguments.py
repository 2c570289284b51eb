"""What commands take as arguments."""

import re
from typing import Any

import click

from lingdang.ids import CUST_ID_PATTERN, CUST_ID_RULE, ID_PATTERN, ID_RULE, OWN_ID_PATTERN, RULES


class IdType(click.ParamType[str]):
    """An id as the platform writes it: what matches `pattern`, which `rule` tells in words."""

    name = "id"

    def __init__(self, pattern: str, rule: str) -> None:
        self._pattern = re.compile(pattern)
        self._rule = rule

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not self._pattern.match(value):
            self.fail(self._rule, param, ctx)
        return str(value)


PLAIN_ID = IdType(ID_PATTERN, ID_RULE)
CUST_ID = IdType(CUST_ID_PATTERN, CUST_ID_RULE)
OWN_ID = IdType(OWN_ID_PATTERN, RULES[OWN_ID_PATTERN])
"""An id that operators give: of an account, a package, a campaign, a refund."""
