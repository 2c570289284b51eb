"""A parser under test: bytes in, an outcome out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lingdang.errors import Problem
from proof.attacks.target import Target

GOOD = "good"

Reader = Callable[[bytes], str]
"""Answers GOOD or the refusal's code for any bytes; whatever it raises is a defect."""


class WrongError(Exception):
    """A parser has answered what it must not: it took what was never issued, or gave up with an unexpected code."""


@dataclass(frozen=True)
class Parser:
    """`good` are samples of what it takes."""

    name: str
    good: Sequence[bytes]
    read: Reader


def refusing(codes: frozenset[str], parse: Callable[[bytes], object]) -> Reader:
    """A reader over a parser that raises Problem with one of these codes."""

    def read(data: bytes) -> str:
        try:
            parse(data)
        except Problem as problem:
            if problem.code not in codes:
                raise WrongError(f"refused with {problem.code}") from problem
            return problem.code
        return GOOD

    return read


def only_issued(target: Target[Any], as_input: Callable[[bytes], Any]) -> Reader:
    """A reader over a verifier that may take nothing but the good samples."""

    def parse(data: bytes) -> None:
        given = as_input(data)
        target.verify(given)
        if target.meaning(given) not in target.taken:
            raise WrongError(f"accepted, but was never issued: {given!r}")

    return refusing(target.codes, parse)
