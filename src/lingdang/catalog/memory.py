"""One worker's memory of the catalogue: products as they are in one version of it.

Every statement that changes a product gives the catalogue another version, a random one (catalog/changed.sql). Whoever
reads products reads the version in the same snapshot: while it is the one that is remembered, so are the products,
whatever connection or server was asked.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from sys import getsizeof
from typing import Any, Protocol, TypeVar

import msgspec

from lingdang.catalog.product import Product

MOST_BYTES = 64 * 2**20
"""What a worker keeps of products, by `weight`. Beyond it, all is forgotten and read anew as it is asked for."""
_BARE = 400
"""Bytes that a product takes without its texts: itself, its numbers and its entry in the memory."""

_decode = msgspec.json.Decoder(list[Product]).decode


class _Versioned(Protocol):
    """An answer with the version that it was read in."""

    @property
    def catalogue(self) -> str: ...


A = TypeVar("A", bound=_Versioned)


class _Edition:
    """The products of one version. It only grows, so that whoever has begun to use it finds what was in it."""

    __slots__ = ("always", "bytes", "products", "version", "whole")

    def __init__(self, version: str | None) -> None:
        self.version = version
        self.products: dict[str, Product] = {}
        self.whole: set[str] = set()
        """The ids of those that have their details."""
        self.always: set[str] = set()
        """The ids of those that can be bought at any time: most of them, which a payment need not look at."""
        self.bytes = 0

    def take(self, product: Product) -> None:
        """Take up a product as it was read. What is whole stays whole."""
        name = product.product_id
        if name in self.whole:
            return
        known = self.products.get(name)
        self.bytes += weight(product) - (0 if known is None else weight(known))
        self.products[name] = product
        if product.is_always_on_sale:
            self.always.add(name)
        if product.detail is not None:
            self.whole.add(name)


class Memory:
    """What one worker remembers, for all who read products in it."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._edition = _Edition(None)

    def look(self, names: Iterable[str], *, whole: bool = False) -> "Look":
        """Look for these products; `whole`: with their details."""
        return Look(self, self._edition, names, whole)

    def learn(self, version: str, read: Iterable[Product]) -> None:
        """Take up products that were read in this version. What is remembered whole stays whole."""
        edition = self._edition
        if edition.version != version or edition.bytes > self._most_bytes:
            edition = self._edition = _Edition(version)
        for product in read:
            edition.take(product)


class Look:
    """One batch's look at products: what is remembered when it begins, and what it reads of the rest.

    The batch asks for those that are `unknown`. If what it was answered does not hold together with what was left out
    as known, it asks again, for all (`asked`).
    """

    __slots__ = ("_all_on_sale", "_edition", "_memory", "_names", "unknown")

    def __init__(self, memory: Memory, edition: _Edition, names: Iterable[str], whole: bool) -> None:
        self._memory = memory
        self._edition = edition
        self._names = set(names)
        self._all_on_sale = not whole and self._names <= edition.always
        if self._all_on_sale:
            self.unknown: list[str] = []
            return
        self.unknown = sorted(self._names.difference(edition.whole if whole else edition.products))

    def holds_in(self, version: str | None) -> bool:
        """Whether what was left out as known is so in this version. If not, from here on all is unknown.

        Whoever asked for no product at all may have no version.
        """
        if version == self._edition.version or len(self.unknown) == len(self._names):
            return True
        self._edition = _Edition(version)
        self._all_on_sale = False
        self.unknown = sorted(self._names)
        return False

    async def asked(self, ask: Callable[[list[str]], Awaitable[A]]) -> A:
        """What `ask` answers about the unknown ones or, where that is of another version, about all."""
        answer = await ask(self.unknown)
        return answer if self.holds_in(answer.catalogue) else await ask(self.unknown)

    def completed(self, version: str, read: Sequence[Product]) -> Mapping[str, Product]:
        """These products by id, those that there are in this version, and perhaps others of it."""
        edition = self._edition
        if not read:
            return edition.products if edition.version == version else {}
        self._memory.learn(version, read)
        found = {product.product_id: product for product in read}
        if edition.version == version:
            known = edition.products
            found.update({name: known[name] for name in self._names if name not in found and name in known})
        return found

    def off_sale(self, version: str | None, rows: bytes | msgspec.Raw, now: datetime) -> set[str]:
        """Those of these products that cannot be bought; `rows`: what products_read answered."""
        if version is None or (self._all_on_sale and version == self._edition.version):
            return set()
        found = self.completed(version, _decode(rows))
        return {name for name in self._names if (product := found.get(name)) is None or not product.on_sale(now)}


def weight(product: Product) -> int:
    """About how many bytes a product takes in the memory."""
    texts: list[Any] = [product.product_id, product.title, product.publisher, product.currency]
    if (detail := product.detail) is not None:
        texts += [*detail.attributes, *detail.attributes.values(), detail.intro, detail.cover_url, detail.categories]
    return _BARE + sum(map(getsizeof, texts))
