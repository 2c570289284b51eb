"""The packages are built and installed as the page Install says, and what was installed serves, sells and buys."""

import re
import shutil
from importlib.metadata import distributions
from pathlib import Path

import pytest

from support.guides import follow
from support.pages import ROOT
from support.served import serving
from tools.node import run

pytestmark = pytest.mark.slow

SOURCE = ("src", "sdk", "pyproject.toml", "README.md", "LICENSE")
CREDIT = ("wallet", "credit", "ann", "30", "--reason", "More")
BUY = """\
import { Lingdang } from "lingdang";

const shop = new Lingdang({ baseUrl: process.argv[2] });
await shop.login({ custId: "ann", password: "correct horse" });
const { orderId } = await shop.checkout(["xyj"]);
const { paid, balance } = await shop.pay(orderId);
console.log(`${paid}, ${balance} are left`);
"""


def test_start_in_ten_minutes_with_the_built_packages(tmp_path: Path) -> None:
    source, elsewhere = tmp_path / "source", tmp_path / "elsewhere"
    _copy(source)
    libraries = str(_libraries(tmp_path / "libraries"))
    follow(source, "docs/integrate/install.md", PYTHONPATH=libraries)
    [site] = source.glob("venv/lib/*/site-packages")
    (site / "libraries.pth").write_text(libraries)
    programs = source / "venv" / "bin"
    elsewhere.mkdir()
    with serving(elsewhere / "shop", "--http", fresh=True, program=(str(programs / "lingdang"),)) as served:
        assert "paid 120, 30 are left" in follow(elsewhere, "docs/start.md", programs=programs, SHOP_URL=served.url)
        with served.client() as client:
            pages = ("/", "/sdk/index.js", "/openapi.json")
            assert [client.get(page).status_code for page in pages] == [200, 200, 200]
        more = run(elsewhere, str(programs / "lingdang"), *CREDIT, "--data-dir", "shop")
        assert more.returncode == 0, more.stderr
        (source / "buy.mjs").write_text(BUY)
        bought = run(source, "node", "buy.mjs", served.url)
    assert (bought.returncode, bought.stdout) == (0, "60, 0 are left\n"), bought.stderr


def _libraries(folder: Path) -> Path:
    """What requirements.lock names, as the development has it: pip finds it there, and need not fetch it again."""
    folder.mkdir()
    for name in re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE):
        for found in distributions(name=name):  # none, where it is for another system
            for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
                (folder / top).symlink_to(Path(str(found.locate_file(top))))
    return folder


def _copy(folder: Path) -> None:
    """The source without what building has left in it."""
    folder.mkdir()
    built = shutil.ignore_patterns("build", "*.egg-info", "node_modules", "__pycache__")
    for name in SOURCE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=built)
        else:
            shutil.copy(ROOT / name, folder / name)
