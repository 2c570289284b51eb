"""A way to break the build on purpose: a text in the source, and what stands there instead."""

from dataclasses import dataclass
from pathlib import Path


class MutationError(Exception):
    """A mutation does not fit the source any more. The message says which and why."""


@dataclass(frozen=True)
class Edit:
    """Replace `old` by `new` in a file below `src/lingdang`."""

    path: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        """Change the file below `root`, a copy of `src/lingdang`. Raises MutationError."""
        file = root / self.path
        text = file.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise MutationError(f"{self.path}: {self.old!r} stands in it {text.count(self.old)} times")
        file.write_text(text.replace(self.old, self.new), encoding="utf-8")


@dataclass(frozen=True)
class Mutation:
    """A broken build. Caught by some seed; or by `test`, where what breaks cannot be seen from outside, or few seeds
    would see it."""

    name: str
    edits: tuple[Edit, ...]
    test: str | None = None


def one(name: str, path: str, old: str, new: str, test: str | None = None) -> Mutation:
    """A mutation of one edit."""
    return Mutation(name, (Edit(path, old, new),), test)
