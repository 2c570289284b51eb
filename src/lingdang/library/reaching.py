"""A cursor through the journals of one customer, which has one for each currency: how far down each was read."""

from collections.abc import Mapping

from lingdang.errors import invalid


def read_reached(cursor: str | None) -> dict[str, int]:
    """By currency the lowest seq that the pages before have gone through. Raises Problem `invalid_request`."""
    try:
        reached = {currency: int(seq) for currency, _, seq in (p.partition(":") for p in (cursor or "").split())}
        if not all(0 <= seq < 2**31 for seq in reached.values()):
            raise ValueError
        return reached
    except ValueError:
        raise invalid("$.cursor", "Not a cursor that this server gave") from None


def write_reached(reached: Mapping[str, int]) -> str:
    """The cursor's text."""
    return " ".join(f"{currency}:{seq}" for currency, seq in sorted(reached.items()))
