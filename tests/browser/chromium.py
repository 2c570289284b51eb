"""The Chromium that the browser tests drive: any that is found, or the one that Playwright has installed."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Error, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "no Chromium was found: install one, or run `.venv/bin/playwright install chromium`"

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


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser | None]:
    """A headless browser; None where there is none."""
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(executable_path=installed(), args=_QUIET)
        except Error:
            yield None
            return
        yield browser
        await browser.close()
