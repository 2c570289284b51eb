"""What the site has beside the pages in docs/: the OpenAPI document. Called by MkDocs (mkdocs.yml)."""

import re
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from tools.document import text

_OUTSIDE = re.compile(r"\[([^\]]*)\]\((?:\.\./)+(?:examples|sdk|src|tests)/[^)]*\)")
"""A link to a file of the project that is no page: on the site its name stands alone."""


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """The document, beside the page that shows it."""
    files.append(File.generated(config, "openapi.json", content=text()))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """A page's text without links that lead out of the site."""
    return _OUTSIDE.sub(r"\1", markdown)
