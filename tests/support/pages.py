"""The project's documents: what each of them names, as plain text and in code type."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "src/lingdang/*/README.md", "sdk/*/README.md")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"  # it tells of what was
)
_BLOCK = re.compile(r"^```.*?\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def inline(page: str) -> list[str]:
    """What stands in code type within the sentences and tables."""
    return _INLINE.findall(_BLOCK.sub("", text_of(page)))


def commands(page: str) -> list[str]:
    """Each line of the blocks of code, and what stands in code type, without comments and what follows in a pipe."""
    lines = [line for block in _BLOCK.findall(text_of(page)) for line in block.splitlines()]
    return [re.split(r"\s+#|[|;<>]", line)[0].strip() for line in (*lines, *inline(page))]


def headings(text: str) -> set[str]:
    """The headings as GitHub writes them into an address."""
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in found}
