"""What the pages import and say: every module and every sentence is there, in both languages."""

import re
from pathlib import Path

from lingdang.errors import KINDS
from lingdang.web.assets import SDK, STATIC


def test_every_module_imports_what_there_is() -> None:
    """Without a build step nobody else notices a wrong path before a reader does."""
    missing = [
        f"{file.name}: {path}"
        for file in (*STATIC.rglob("*.js"), *SDK.rglob("*.js"))
        if "vendor" not in file.parts
        for path in re.findall(r"""(?:from|import)\s*\(?\s*["']([./][^"'`]+)["']""", file.read_text(encoding="utf-8"))
        if not _resolved(file, path).is_file()
    ]
    assert missing == []


def _resolved(file: Path, path: str) -> Path:
    if path.startswith("/sdk/"):
        return SDK / path.removeprefix("/sdk/")
    return STATIC / path.removeprefix("/static/") if path.startswith("/") else file.parent / path


def _texts(lang: str) -> set[str]:
    files = (STATIC / "i18n").glob(f"*.{lang}.js")
    return {key for file in files for key in re.findall(r'^  "([^"]+)":', file.read_text(encoding="utf-8"), re.M)}


def test_both_languages_say_the_same_things() -> None:
    assert _texts("zh") == _texts("en")


def test_every_text_that_a_page_speaks_is_there() -> None:
    spoken = {
        key
        for file in STATIC.rglob("*.js")
        if "vendor" not in file.parts
        for key in re.findall(r"""\bt\(\s*"([\w.]+)\"""", file.read_text(encoding="utf-8"))
    }
    assert spoken
    assert spoken - _texts("zh") == set()


def test_every_refusal_of_the_shop_is_explained() -> None:
    """Those that a reader can meet; the others are between machines."""
    machines = {"scope_missing", "wallet_full", "method_not_allowed", "idempotency_mismatch"}
    machines |= {
        "body_too_large",
        "head_too_large",
        "position_lost",
        "feed_stopped",
        "secret_unusable",
        "endpoints_full",
        "replays_full",
        "topup_undecided",
    }
    explained = {key.removeprefix("problem.") for key in _texts("zh") if key.startswith("problem.")}
    assert set(KINDS) - machines <= explained
    assert {f"advice.{code}" for code in explained - {"other"}} <= _texts("zh")
