"""The Chromium that the browser tests drive: any that is found, or the one that Playwright has installed."""

import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Error, Playwright, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "no Chromium was found, and Playwright could not install one: the browser tests did not run"

_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def installed() -> Path | None:
    """Where a Chromium is, by the system's path."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return Path(found) if found else None


def launching() -> dict[str, Any]:
    """What Playwright is told to launch, and how."""
    return {"executable_path": installed(), "args": list(_QUIET)}


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser | None]:
    """A headless browser; None where there is none, and none can be installed."""
    async with async_playwright() as playwright:
        browser = await _launch(playwright) or (_install() and await _launch(playwright)) or None
        yield browser
        if browser is not None:
            await browser.close()


async def _launch(playwright: Playwright) -> Browser | None:
    try:
        return await playwright.chromium.launch(**launching())
    except Error:
        return None


def _install() -> bool:
    """Let Playwright fetch its own; it is told in the last lines of the tests when that fails, too."""
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    try:
        return subprocess.run(command, capture_output=True, timeout=300, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
