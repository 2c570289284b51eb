"""The documents against the code: files, modules, commands, settings, routes, names and counts that they give exist."""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import click
import msgspec
import pytest

from lingdang.cli.main import main
from lingdang.settings import Settings
from support.described import routes_of
from support.pages import PAGES, ROOT, commands, inline, text_of
from support.shop import Shop

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)(?:#[\w%-]+)?\)")
SUFFIXES = ("py", "sql", "md", "txt", "toml", "js", "css", "svg", "sh", "lock")
FILE = re.compile(rf"[\w./*-]+\.(?:{'|'.join(SUFFIXES)})")
FOLDER = re.compile(r"(?:[\w-]+/)+")
MODULE = re.compile(r"(?:-m )?((?:lingdang|proof|tools)(?:\.\w+)+)")
SETTING = re.compile(r"\bLINGDANG_[A-Z_]+[A-Z]\b")
ROUTE = re.compile(r"\b(GET|PUT|POST|PATCH|DELETE) (/v1/[\w./{}-]*[\w}]|/\w+)(?![\w/.])")
NAME = re.compile(r"[a-z]+(?:_[a-z0-9]+)+")

ROOTS = (ROOT, ROOT / "src/lingdang", ROOT / "src/lingdang/web", ROOT / "tests", ROOT / "sdk/javascript")
"""Whence a path may be told."""
MADE = {"serve.lock", "pg/", "pg/log/", "tls/", "run/", "run/metrics/"}
"""What a shop makes in its data directory."""
OTHERS = {"schema.sql", "auth_time", "wal_writer_delay", "commit_delay", "open_datasync", "pg_trgm", "pg_bigm", "ts_rank"}
"""Of other projects, of PostgreSQL and its extensions, of identity providers."""
ELSEWHERE = {"LINGDANG_CONFIG", "LINGDANG_URL"}
"""Read by the settings themselves, and by the examples."""


@cache
def sources() -> str:
    """Everything that is written in the project's code."""
    places = ("src", "sdk", "proof", "tests", "tools", "examples")
    found = [p for place in places for p in (ROOT / place).rglob("*") if p.suffix in (".py", ".sql", ".js", ".sh")]
    return "\n".join(path.read_text(encoding="utf-8") for path in found if "node_modules" not in path.parts)


@cache
def words() -> frozenset[str]:
    return frozenset(re.findall(r"\w+", sources()))


@cache
def file_names() -> frozenset[str]:
    return frozenset(path.name for place in ROOTS[:1] for path in place.rglob("*") if not _hidden(path))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(ROOT).parts)


def missing_files(page: str) -> list[str]:
    """Each linked file, and each file and folder in code type, that there is not."""
    here = (ROOT / page).parent
    linked = [target for target in LINK.findall(text_of(page)) if not (here / target).exists()]
    told = [each.split("::")[0] for each in inline(page)]
    files = [each for each in told if FILE.fullmatch(each) and not _file_exists(each, here)]
    folders = [each for each in told if FOLDER.fullmatch(each) and not any((root / each).is_dir() for root in (*ROOTS, here))]
    return linked + [each for each in files + folders if each not in MADE | OTHERS]


def _file_exists(told: str, here: Path) -> bool:
    if "/" not in told:
        return told in file_names()
    return any(next(root.glob(told), None) is not None for root in (*ROOTS, here) if not told.startswith("/"))


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page: str) -> None:
    assert missing_files(page) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_module_that_is_named_exists(page: str) -> None:
    run = [found[1] for line in commands(page) if (found := re.search(r"python -m ([\w.]+)", line))]
    named = [found[1] for each in inline(page) if (found := MODULE.fullmatch(each))]
    assert [each for each in {*run, *named} if not _found(each)] == []


def _found(dotted: str) -> bool:
    """A module, or what a module has."""
    module, _, member = dotted.rpartition(".")
    try:
        return find_spec(dotted) is not None
    except ModuleNotFoundError:
        return f"{member}" in Path(str((find_spec(module) or find_spec("lingdang")).origin)).read_text()  # type: ignore[union-attr]


@pytest.mark.parametrize("page", PAGES)
def test_every_target_of_make_that_is_named_exists(page: str) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = [found[1] for line in commands(page) if (found := re.match(r"make ([\w-]+)", line))]
    assert [each for each in named if each not in targets] == []


def unknown_commands(page: str) -> list[str]:
    """Each `lingdang …` that the command line would not take."""
    lines = [re.sub(r"^\.venv/bin/", "", line) for line in commands(page)]
    return [line for line in lines if line.startswith("lingdang ") and not _is_command(line.split()[1:])]


def _is_command(parts: list[str]) -> bool:
    command: click.Command = main
    while isinstance(command, click.Group) and parts and not parts[0].startswith("-"):
        chosen = command.get_command(click.Context(command), parts[0])
        if chosen is None:
            return parts[0] == "…"
        command, parts = chosen, parts[1:]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return all(part.split("=")[0] in options for part in parts if part.startswith("--"))


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_is_named_exists(page: str) -> None:
    assert unknown_commands(page) == []


def settings() -> set[str]:
    return {f"LINGDANG_{field.name.upper()}" for field in msgspec.structs.fields(Settings)}


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_that_is_named_exists(page: str) -> None:
    assert {*SETTING.findall(text_of(page))} - settings() - ELSEWHERE == set()


def test_every_setting_is_explained() -> None:
    """In the table of docs/operations.md, where `_LOG_FORMAT` stands for `LINGDANG_LOG_FORMAT`."""
    table = text_of("docs/operations.md").partition("\n## Settings\n")[2].partition("\n## ")[0]
    explained = [name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    full = [name if name.startswith("LINGDANG_") else f"LINGDANG{name}" for name in explained]
    assert sorted(full) == sorted(settings())


async def test_every_route_that_is_named_exists(shop: Shop) -> None:
    there = {(method.upper(), _shape(path)) for method, path, _ in await routes_of(shop)}
    named = {(page, method, path) for page in PAGES for method, path in ROUTE.findall(text_of(page))}
    assert [each for each in sorted(named) if (each[1], _shape(each[2])) not in there] == []
    assert len(named) > 30


def _shape(path: str) -> str:
    """The path with its parameters without names."""
    return re.sub(r"\{\w*\}", "{}", path)


@pytest.mark.parametrize("page", PAGES)
def test_every_name_in_code_type_is_one_of_the_codes(page: str) -> None:
    """Functions and tables of the database, metrics, events of the log, codes of refusals, purposes, fields."""
    named = {each.partition("(")[0] for each in inline(page)}
    assert {each for each in named if NAME.fullmatch(each)} - words() - OTHERS == set()


def test_decisions_are_short() -> None:
    for page in PAGES:
        if page.startswith("docs/decisions/"):
            lines = text_of(page).splitlines()
            assert len(lines) <= 40, page
            assert max(map(len, lines)) <= 160, page
