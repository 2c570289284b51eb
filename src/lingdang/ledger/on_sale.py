"""What one worker knows to be on sale, as of one version of the catalogue.

Every transaction that changes a product raises the catalogue's version. A payment's batch reads the version under its
customers' locks; while it is the one that was read together with the products, they are as they were then.
"""

from collections.abc import Iterable, Sequence

MOST = 100_000
"""Products remembered; beyond that all are forgotten, and asked about again."""


class OnSale:
    """Products on sale without an end that is set. Empty until something is learnt."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._known: set[str] = set()

    def unknown(self, product_ids: Iterable[str]) -> list[str]:
        """Those that have to be asked about, each once."""
        known = self._known
        return [product_id for product_id in dict.fromkeys(product_ids) if product_id not in known]

    def still_holds(self, version: int | None) -> bool:
        """Whether what was left out as known is so in this version, too; if not, all is forgotten.

        A batch without payments reads no version (None), and has left nothing out.
        """
        if version is None or version == self._version or not self._known:
            return True
        self._known.clear()
        return False

    def learn(self, version: int | None, asked: Sequence[str], listed: Iterable[tuple[str, bool]]) -> None:
        """Take up what was asked about at this version. `listed` are those of them that are not on sale for good."""
        if version is None:
            return
        if version != self._version or len(self._known) > MOST:
            self._version = version
            self._known.clear()
        self._known.update(set(asked).difference(product_id for product_id, _ in listed))
