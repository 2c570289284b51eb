"""The documentation as a site: it is built without a warning, every page is in its menu, and it fetches nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.pages import PAGES, ROOT, text_of
from tools.site import CLIENTS

pytestmark = pytest.mark.slow


def test_every_page_is_in_the_menu() -> None:
    told = set(re.findall(r"[\w/-]+\.md", text_of("mkdocs.yml")))
    pages = {page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")} | {*CLIENTS.values()}
    assert (pages - told, told - pages) == (set(), set())


def test_it_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    environ = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    page = (tmp_path / "site/integrate/fastapi/index.html").read_text()
    assert "AsyncClient" in page, "the example stands in the page"
    client = (tmp_path / "site/integrate/python-client/index.html").read_text()
    assert "A payment that survives" in client, "the clients' own pages stand in the site"
    assert '../javascript-client/"' in (tmp_path / "site/integrate/page/index.html").read_text()
    assert (tmp_path / "site/openapi.json").read_text().startswith("{")
    fetched = re.findall(r'<(?:script|link)[^>]*(?:src|href)="(https?:[^"]*)"', page)
    assert fetched == []
