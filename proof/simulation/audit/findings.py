"""What an audit writes down."""

from typing import NamedTuple


class Violation(NamedTuple):
    """A promise that was broken, and where."""

    promise: str
    detail: str


class Findings:
    """Collects violations."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def expect(self, holds: object, promise: str, *where: object) -> bool:
        """Write down that `promise` is broken at `where` unless it holds. Answers whether it holds."""
        if not holds:
            self.violations.append(Violation(promise, " ".join(map(str, where))))
        return bool(holds)
