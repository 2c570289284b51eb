"""A command's success."""

from typing import Any

import msgspec


class Done(msgspec.Struct, frozen=True, gc=False):
    """What was done: the record of the command's module, None where there is nothing to tell.

    `replayed`: it had been done before, and this is the answer given then.
    """

    record: Any
    replayed: bool = False
