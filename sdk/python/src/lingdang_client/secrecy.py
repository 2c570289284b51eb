"""Values that hold secrets do not show them."""

from typing import Any, ClassVar

import msgspec


class Discreet(msgspec.Struct, frozen=True):
    """A Struct whose fields named in `secrets` show as `…` in repr(), in rich and in tracebacks."""

    secrets: ClassVar[frozenset[str]] = frozenset()

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, self._shown(name)) for name in self.__struct_fields__]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def _shown(self, name: str) -> Any:
        value = getattr(self, name)
        return "…" if name in self.secrets and value is not None else value
