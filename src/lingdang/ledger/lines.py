"""What an order consists of: its lines, and the vouchers that it used."""

import msgspec


class Line(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One product of an order, in whole bells. Stored and sealed as an array."""

    product_id: str
    title: str
    publisher: str | None
    list_price: int
    price: int
    discount: int

    @property
    def payable(self) -> int:
        """What it costs after its part of the discount."""
        return self.price - self.discount


class UsedVoucher(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One voucher of an order, by its own id, and what it saved. Stored and sealed as an array."""

    voucher_id: str
    saves: int
