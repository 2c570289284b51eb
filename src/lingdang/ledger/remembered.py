"""What one worker remembers of products, as of one version of the catalogue.

Every transaction that changes a product raises the catalogue's version. A batch reads the version in its own snapshot;
while it is the one in which the products were read, they are as they were then.
"""

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

V = TypeVar("V")


class Remembered(Generic[V]):
    """A fact about each of up to `most` products, which changes with the catalogue only, not with the time."""

    def __init__(self, most: int) -> None:
        self.facts: dict[str, V] = {}
        self._most = most
        self._version: int | None = None
        self._reader: object = None

    def read_by(self, connection: object) -> None:
        """Forget all when another connection reads: it may be to another server, with other versions."""
        if connection is not self._reader:
            self._reader = connection
            self.facts.clear()

    def known(self, product_ids: Iterable[str]) -> dict[str, V]:
        """What is remembered of these."""
        return {name: fact for name in product_ids if (fact := self.facts.get(name)) is not None}

    def unknown(self, product_ids: Iterable[str]) -> list[str]:
        """Those that have to be asked about, each once, in order."""
        return sorted(set(product_ids).difference(self.facts))

    def still_holds(self, version: int | None) -> bool:
        """Whether what was left out as known is so in this version, too; if not, all is forgotten.

        A batch that needs no product reads no version (None), and has left nothing out.
        """
        if version is None or version == self._version or not self.facts:
            return True
        self.facts.clear()
        return False

    def learn(self, version: int | None, facts: Mapping[str, V]) -> None:
        """Take up what was read at this version."""
        if version is None:
            return
        if version != self._version or len(self.facts) > self._most:
            self._version = version
            self.facts.clear()
        self.facts.update(facts)
