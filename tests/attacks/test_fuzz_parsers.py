"""Whatever is given to a parser: it is taken, or refused with a code; nothing else ever comes out."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proof.attacks.orders import order_target
from proof.attacks.world import World
from proof.fuzz.__main__ import main
from proof.fuzz.every import NAMES, parsers_of
from proof.fuzz.parser import GOOD, Parser, WrongError, only_issued

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
).map(lambda value: json.dumps(value).encode())
JUNK = st.one_of(st.binary(max_size=40), st.text(max_size=40).map(lambda text: text.encode()), JSON)
ANY = settings(max_examples=80, suppress_health_check=list(HealthCheck), derandomize=True, database=None)


@pytest.fixture(scope="module")
def parsers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Parser]:
    return parsers_of(tmp_path_factory.mktemp("fuzz"))


def spliced(data: st.DataObject, good: bytes) -> bytes:
    """A good sample in which a piece is something else."""
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(len(good), start + 40)))
    return good[:start] + data.draw(JUNK) + good[end:]


@pytest.mark.parametrize("name", NAMES)
def test_any_bytes(name: str, parsers: dict[str, Parser]) -> None:
    parser = parsers[name]

    @ANY
    @given(st.data())
    def check(data: st.DataObject) -> None:
        near = data.draw(st.integers(0, len(parser.good)))
        assert parser.read(data.draw(JUNK) if near == 0 else spliced(data, parser.good[near - 1]))

    check()


@pytest.mark.parametrize("name", NAMES)
def test_good_samples_are_taken(name: str, parsers: dict[str, Parser]) -> None:
    assert GOOD in {parsers[name].read(good) for good in parsers[name].good}
    assert parsers[name].read(b"") != GOOD


def test_what_was_never_issued_must_not_be_taken(tmp_path: Path) -> None:
    careless = replace(order_target(World("1", tmp_path)), verify=lambda _: None)
    with pytest.raises(WrongError, match="never issued"):
        only_issued(careless, bytes.decode)(b"a.b.c.d.e")


def test_an_input_that_was_kept_is_read_again(tmp_path: Path) -> None:
    kept = tmp_path / "crash-1"
    kept.write_bytes(b"[1,2,3]")
    again = CliRunner().invoke(main, ["--target", "offer", "--replay", str(kept)])
    assert (again.output, again.exit_code) == ("token_invalid\n", 0)
    assert CliRunner().invoke(main, ["--replay", str(kept)]).exit_code == 2, "for which target?"
