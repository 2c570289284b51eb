"""What the site has beside the pages in docs/: the OpenAPI document and the clients' READMEs. Called by MkDocs."""

import re
from pathlib import Path
from posixpath import dirname, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from tools.document import text

ROOT = Path(__file__).parents[1]
CLIENTS = {
    "sdk/python/README.md": "integrate/python-client.md",
    "sdk/javascript/README.md": "integrate/javascript-client.md",
}
"""The pages of the site that are kept beside the code that they tell of."""
_OUTSIDE = re.compile(r"\[([^\]]*)\]\((?:\.\./)+((?:examples|sdk|src|tests)/[^)]*)\)")
"""A link to a file of the project that is not in docs/."""


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """The document, beside the page that shows it, and the clients' pages."""
    files.append(File.generated(config, "openapi.json", content=text()))
    for source, page in CLIENTS.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """A page's text: a link to a client's README leads to its page, any other out of the site is its name alone."""
    here = dirname(page.file.src_uri)

    def inside(link: re.Match[str]) -> str:
        name, target = link.groups()
        return f"[{name}]({relpath(CLIENTS[target], here)})" if target in CLIENTS else name

    return _OUTSIDE.sub(inside, markdown)
