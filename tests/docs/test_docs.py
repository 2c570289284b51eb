"""The documents against the code: files, modules, commands, settings, routes, names and counts that they give exist."""

import posixpath
import re
import tomllib
from fnmatch import filter as fnfilter
from fnmatch import fnmatch
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules

import click
import msgspec
import pytest

from lingdang import routes
from lingdang.bulkheads import connections_of_worker, shares
from lingdang.cli.main import main
from lingdang.http.route import Route
from lingdang.identity.api_keys import SCOPES
from lingdang.settings import Settings
from lingdang.topup.accounts import _KINDS as KINDS
from support.described import routes_of
from support.pages import PAGES, ROOT, commands, headings, inline, text_of
from support.shop import Shop

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([\w%-]+))?\)")
SUFFIXES = ("py", "sql", "md", "txt", "toml", "js", "css", "svg", "sh", "lock")
FILE = re.compile(rf"[\w*][\w./*-]*\.(?:{'|'.join(SUFFIXES)})")
FOLDER = re.compile(r"(?:[\w-]+/)+")
MODULE = re.compile(r"(?:-m )?((?:lingdang|proof|tools)(?:\.\w+)+)")
SETTING = re.compile(r"\bLINGDANG_[A-Z_]+[A-Z]\b")
ROUTE = re.compile(r"\b(GET|PUT|POST|PATCH|DELETE) (/v1/[\w./{}-]*[\w}]|/\w+)(?![\w/.])")
NAME = re.compile(r"[A-Za-z]+(?:_[A-Za-z0-9]+)+|[a-z]+(?:[A-Z][a-z]+)+|(?:[A-Z][a-z]+){2,}")

PLACES = ("", "src/lingdang", "src/lingdang/web", "src/lingdang/web/static", "tests", "sdk/javascript")
"""Folders from which a path may be told, besides the page's own."""
MADE = {"serve.lock", "database.lock", "pg/", "pg/log/", "tls/", "run/", "run/metrics/", "token.txt"}
"""What a shop makes in its data directory, and the reader of a guide."""
OTHERS = {
    "schema.sql",
    "ssl_certificate_key",
    "auth_time",
    "wal_writer_delay",
    "commit_delay",
    "open_datasync",
    "SCHED_BATCH",
    "SSL_CERT_FILE",
    "pg_trgm",
    "pg_bigm",
    "ts_rank",
}
"""Of other projects, of nginx, OpenSSL, of PostgreSQL and its extensions, of identity providers."""
BUCKETS = 1
"""Unless told otherwise."""
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NUMBER = "(?i:" + "|".join(NUMBERS[1:]) + ")"
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
    """Every name in the code; those with underscores also as they are spelt on the wire."""
    names = frozenset(re.findall(r"\w+", sources()))
    return names | {on_the_wire(name) for name in names}


def on_the_wire(name: str) -> str:
    """`min_count` as `minCount`."""
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


@cache
def files() -> frozenset[str]:
    """The project's files and folders, folders with a slash at their end."""
    tops = [top for top in ROOT.iterdir() if not top.name.startswith(".")]
    inside = (path for top in tops for path in (top, *top.rglob("*")) if "node_modules" not in path.parts)
    return frozenset(path.relative_to(ROOT).as_posix() + "/" * path.is_dir() for path in inside)


def missing_files(page: str) -> list[str]:
    """Each linked file, and each file and folder in code type, that there is not."""
    here = Path(page).parent.as_posix()
    linked = [target for target, _ in LINK.findall(text_of(page)) if not (ROOT / here / target).exists()]
    told = {each.split("::")[0] for each in inline(page)}
    paths = {each for each in told if FILE.fullmatch(each) or FOLDER.fullmatch(each)}
    return linked + sorted(each for each in paths - MADE - OTHERS if not _is_file(each, here))


def _is_file(told: str, here: str) -> bool:
    """A name alone may be that of any file; a path begins at one of the places."""
    if "/" not in told:
        return any(fnmatch(path.rpartition("/")[2], told) for path in files())
    paths = [posixpath.normpath(posixpath.join(place, told)) + "/" * told.endswith("/") for place in (*PLACES, here)]
    return any(path in files() or ("*" in path and fnfilter(files(), path)) for path in paths)


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page: str) -> None:
    assert missing_files(page) == []


def missing_headings(page: str) -> list[str]:
    """Each link into a page that has no such heading."""
    targets = [
        (page if not target else posixpath.join(posixpath.dirname(page), target), heading)
        for target, heading in LINK.findall(text_of(page))
        if heading
    ]
    return [f"{target}#{heading}" for target, heading in targets if heading not in headings(text_of(target))]


@pytest.mark.parametrize("page", PAGES)
def test_every_heading_that_is_linked_exists(page: str) -> None:
    assert missing_headings(page) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_module_that_is_named_exists(page: str) -> None:
    run = [found[1] for line in commands(page) if (found := re.search(r"python -m ([\w.]+)", line))]
    named = [found[1] for each in inline(page) if (found := MODULE.fullmatch(each))]
    assert [each for each in {*run, *named} if not _found(each)] == []


def _found(dotted: str) -> bool:
    """A module, or what one has."""
    module, _, member = dotted.rpartition(".")
    if not module:
        return find_spec(dotted) is not None
    if not _found(module):
        return False
    there = import_module(module)
    return member in dir(there) or (hasattr(there, "__path__") and find_spec(dotted) is not None)


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
    explained = [
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    ]
    full = [name if name.startswith("LINGDANG_") else f"LINGDANG{name}" for name in explained]
    assert sorted(full) == sorted(settings())


@pytest.mark.parametrize("page", ["docs/topups-providers.md", "docs/zh/topups-providers.md"])
def test_every_setting_of_an_account_is_explained(page: str) -> None:
    """In a table of three columns: the kind, what must be set, and what may be."""
    rows = [row.split(" | ") for row in re.findall(r"^\| (`.*) \|$", text_of(page), re.MULTILINE)]
    explained = {row[0].strip("`"): tuple({*re.findall(r"`(\w+)`", cell)} for cell in row[1:]) for row in rows}
    for kind in KINDS:
        fields = msgspec.structs.fields(import_module(f"lingdang.topup.providers.{kind}").Account)
        needed = {field.encode_name for field in fields if field.required}
        assert explained[kind] == (needed, {field.encode_name for field in fields} - needed), kind


@pytest.mark.parametrize("page", ["docs/topups-providers.md", "docs/zh/topups-providers.md"])
def test_the_accounts_that_are_shown_have_what_their_kinds_need(page: str) -> None:
    [told] = re.findall(r"^```toml\n(.*?)^```", text_of(page), re.MULTILINE | re.DOTALL)
    shown = {each.pop("kind"): each for each in tomllib.loads(told)["LINGDANG_TOPUP_PROVIDERS"].values()}
    assert shown.keys() == {*KINDS}
    for kind, given in shown.items():
        account = import_module(f"lingdang.topup.providers.{kind}").Account
        fields = msgspec.structs.fields(account)
        named = {name.removesuffix("_file") for name in given}
        assert {field.encode_name for field in fields if field.required} <= named, kind
        assert named <= {field.encode_name for field in fields}, kind
        for field in fields:
            if field.encode_name in given:
                msgspec.convert(given[field.encode_name], field.type)


def test_every_scope_is_explained() -> None:
    rows = re.findall(r"^\| `(\w+:\w+)` \|", text_of("docs/backend.md"), re.MULTILINE)
    assert sorted(rows) == sorted(SCOPES)


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
    assert {
        each for each in named if NAME.fullmatch(each) and not each.startswith("LINGDANG_")
    } - words() - OTHERS == set()


def test_a_page_with_mistakes_fails(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.md"
    wrong.write_text(
        "[a](gone.md) [b](#gone) `ledger/gone.sql` `gone.py` `gone/` `tests/ledger/test_lots.py`\n"
        "```\nlingdang gone\nlingdang serve --gone # a comment\nlingdang wallet credit a 5 --kind paid\n```\n"
    )
    page = wrong.as_posix()
    assert missing_files(page) == ["gone.md", "gone.py", "gone/", "ledger/gone.sql"]
    assert missing_headings(page) == [f"{page}#gone"]
    assert unknown_commands(page) == ["lingdang gone", "lingdang serve --gone"]
    assert not _found("lingdang.gone")
    assert not _found("lingdang.ids.gone")
    assert _found("lingdang.ids.new_customer")


def test_numbers_that_are_told() -> None:
    """Hot routes, lanes, connections of a worker and their purposes."""
    modules = [import_module(f"lingdang.routes.{found.name}") for found in iter_modules(routes.__path__)]
    short = {id(each) for m in modules for each in vars(m).values() if isinstance(each, Route) and each.short_way}
    assert [n for n in _told(rf"({NUMBER}) hot routes") if n != NUMBERS[len(short)]] == []
    assert [n for n in _told(rf"worker has ({NUMBER}) lanes") if n != NUMBERS[2 + 2 * BUCKETS]] == []
    sizes = re.findall(r"^\| (\w+) \| .*? \| (\d+) \| \d+ \| \d+ s \|", text_of("docs/operations.md"), re.MULTILINE)
    default = Settings().pool_size
    assert {name: int(size) for name, size in sizes} == shares(default)
    assert f"{connections_of_worker(default, BUCKETS)} unless told" in text_of("docs/operations.md")


def _told(pattern: str) -> list[str]:
    return [number.lower() for page in PAGES for number in re.findall(pattern, text_of(page))]


def test_decisions_are_short() -> None:
    for page in PAGES:
        if page.startswith("docs/decisions/"):
            lines = text_of(page).splitlines()
            assert len(lines) <= 40, page
            assert max(map(len, lines)) <= 160, page
