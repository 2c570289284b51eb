"""`python -m proof.attacks` in short: altered tokens and signatures are refused, and one that is not is found."""

from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from proof.attacks.everything import GoodRefusedError, assert_good_are_taken, targets_of
from proof.attacks.jobs import tally_of
from proof.attacks.report import show
from proof.attacks.target import ACCEPTED, Tally, Target, try_one

SEED = 20260101
Targets = list[Target[Any]]


@pytest.fixture
def targets(tmp_path: Path) -> Targets:
    return targets_of(SEED, tmp_path)


def printed(tally: Tally) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        show(console, tally, SEED, 1.0)
    return capture.get()


def test_three_thousand_alterations_are_refused(targets: Targets) -> None:
    tally = tally_of(targets, SEED, range(3000))
    assert tally.broken == []
    assert tally.outcomes.total() == 3000
    met = {(target, kind) for target, kind, _ in tally.outcomes}
    assert met == {(target.name, kind) for target in targets for kind in target.kinds}, "every kind was tried"


def test_a_number_is_always_the_same_alteration(targets: Targets, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    again = targets_of(SEED, tmp_path / "again")
    for number in range(0, 600, 7):
        assert try_one(again, SEED, number) == try_one(targets, SEED, number)


def test_a_verifier_that_takes_everything_is_named(targets: Targets) -> None:
    careless = [replace(target, verify=lambda _: None) for target in targets]
    tally = tally_of(careless, SEED, range(60))
    assert {(tried.target, tried.outcome) for tried in tally.broken} == {(t.name, ACCEPTED) for t in targets}


def tolerant(text: bytes) -> bytes:
    """Base64url as most decoders read it."""
    return b64decode(text + b"==", altchars=b"-_")


def astray(*_: object) -> bool:
    raise KeyError("astray")


BREAKS: dict[str, tuple[str, Any, str, str]] = {
    "base64 of order tokens": ("checkout.order_token.from_base64url", tolerant, "order token", "base64"),
    "tag of order tokens": ("checkout.order_token.compare_digest", lambda *_: True, "order token", "tag cut"),
    "signature of session tokens": ("jose.compare_digest", lambda *_: True, "session token", "elsewhere"),
    "time of platform tokens": ("identity.platform_tokens.LEEWAY_SECONDS", 10**6, "platform token", "not for this"),
    "time of payments": ("payment.payments.MAX_SKEW_SECONDS", 10**6, "payment, MD5", "too early"),
    "MD5": ("payment.signing.compare_digest", lambda *_: True, "payment, MD5", "by somebody else"),
    "base64 of ES256": ("payment.signing.from_base64url", tolerant, "payment, ES256", "base64"),
    "an accident": ("payment.payments.verifies", astray, "payment, HMAC-SHA256", "signed"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_check_is_found(name: str, targets: Targets, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each check of the server weakened in turn."""
    place, broken, target, kind = BREAKS[name]
    monkeypatch.setattr(f"lingdang.{place}", broken)
    tally = Tally()
    for number in range(3000):
        tally.add(try_one([t for t in targets if t.name == target], SEED, number))
    assert any(kind in tried.kind for tried in tally.broken), tally.outcomes


def test_good_samples_must_be_taken(targets: Targets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lingdang.payment.payments.MAX_SKEW_SECONDS", -1)
    with pytest.raises(GoodRefusedError, match="timestamp_skew"):
        assert_good_are_taken(targets)


def test_what_was_accepted_is_printed_so_that_it_can_be_tried_again(targets: Targets) -> None:
    careless = [replace(target, verify=lambda _: None) for target in targets]
    text = printed(tally_of(careless, SEED, range(1)))
    assert f"python -m proof.attacks --seed {SEED} --number 0" in text
    assert "1 accepted" in text
