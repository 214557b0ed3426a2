"""Finds a Chromium and opens it the same way for every browser test, or says loudly that there is none."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "NO CHROMIUM: browser tests did not run. Install chromium, or name one in the variable CHROMIUM."
PATIENCE = 60_000
"""Milliseconds until a test gives up waiting for what it expects: a busy machine is slow, not wrong."""

expect.set_options(timeout=PATIENCE)


def find(own: str = "") -> str | None:
    """The program to start: the variable CHROMIUM, then the usual names, then `own` (playwright's download)."""
    named = os.environ.get("CHROMIUM")
    for name in (named,) if named else (*NAMES, own):
        found = shutil.which(name) if name else None
        if found:
            return found
    return None


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless browser for one test or module; skips when this machine has none."""
    with sync_playwright() as play:
        own = play.chromium.executable_path
        program = find(own if Path(own).exists() else "")
        if program is None:
            pytest.skip(MISSING)
        browser = play.chromium.launch(executable_path=program, args=ARGS, timeout=2 * PATIENCE)
        _make_patient(browser)
        try:
            yield browser
        finally:
            browser.close()


def _make_patient(browser: Browser) -> None:
    """Every window waits as long as `expect` does, and nothing fades or slides while it is looked at."""
    plain = browser.new_context

    def new_context(**options: Any) -> BrowserContext:
        context = plain(**{"reduced_motion": "reduce", **options})
        context.set_default_timeout(PATIENCE)
        return context

    def new_page(**options: Any) -> Page:
        return new_context(**options).new_page()

    browser.new_context, browser.new_page = new_context, new_page  # type: ignore[method-assign]
