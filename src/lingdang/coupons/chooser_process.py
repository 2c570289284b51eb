"""`python -m lingdang.coupons.chooser_process`: decides the choices on its input until that ends. See chooser.py."""

import contextlib
import os
import sys
from typing import BinaryIO

import msgspec

from lingdang.coupons.chooser import LENGTH_BYTES, Answer, Choice, Decided, Refused
from lingdang.coupons.work import finish
from lingdang.errors import Problem
from lingdang.signals import ignore

NICE = 10
"""It gets a tenth of a core that others need, and all that these leave."""

_decode = msgspec.msgpack.Decoder(Choice).decode
_encode = msgspec.msgpack.Encoder().encode


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer each question in turn."""
    _say(b"ready", answers)
    while frame := _heard(questions):
        _say(_encode(_answer(_decode(frame))), answers)


def _heard(questions: BinaryIO) -> bytes:
    """The next question; empty when the worker has ended."""
    length = int.from_bytes(questions.read(LENGTH_BYTES))
    frame = questions.read(length)
    return frame if len(frame) == length else b""


def _say(frame: bytes, answers: BinaryIO) -> None:
    answers.write(len(frame).to_bytes(LENGTH_BYTES) + frame)
    answers.flush()


def _answer(choice: Choice) -> Answer:
    try:
        return Decided(finish(choice.steps()))
    except Problem as problem:
        return Refused(problem.code, problem.members)


if __name__ == "__main__":
    ignore()
    if hasattr(os, "nice"):
        os.nice(NICE)
    with contextlib.suppress(BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer)
