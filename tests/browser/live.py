"""The application behind a real socket, for tests that look at it with Chromium.

Nothing here and in the browser tests may read a page that is on its way to another one: what leads to a new page is
pressed with `press`, and what a page says is awaited with playwright's `expect`.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from tests.browser.chromium import PATIENCE

AXE = Path(__file__).parents[1] / "vendor" / "axe-core-4.14.1" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ASKED = f"{{runOnly: {TAGS}, resultTypes: ['violations'], preload: false, selectors: false}}"
"""Only what is wrong: most of axe's time went into telling what is right."""
GIVEN_UP = ("htmx:afterRequest", "htmx:sendAbort")
"""What htmx says of a request that a newer one replaced; of one that failed it says more."""
SIZES = ((1440, 900), (390, 844))


FITTING = 100
"""How often a page is measured that does not fit: what follows the width, like a chart, does so a moment later."""


class Quiet(WSGIRequestHandler):
    """Says nothing about requests."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


class Server(ThreadedWSGIServer):
    """Closes when every request that it took is answered: nothing of one test runs on into the next."""

    daemon_threads = False

    def __init__(self, app: WSGIApplication) -> None:
        super().__init__("127.0.0.1", 0, app, Quiet)
        self._lines: set[Any] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread of its own for each line."""
        self._lines.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """The line is closed."""
        self._lines.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Nothing more is read: Chromium opens lines ahead on which no request ever comes."""
        self.shutdown()
        for line in tuple(self._lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RD)


def _read_whole(app: WSGIApplication) -> WSGIApplication:
    """The application, each answer read to its end and closed before a byte of it is sent.

    Werkzeug's server forgets to close an answer when Chromium hangs up on it.
    """

    def answer(environ: WSGIEnvironment, start: StartResponse) -> list[bytes]:
        parts = app(environ, start)
        try:
            return [b"".join(parts)]
        finally:
            if hasattr(parts, "close"):
                parts.close()

    return answer


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The address of the application, as long as the block lasts."""
    server = Server(_read_whole(app))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.hang_up()
        thread.join()  # closes it


def carry_session(client: FlaskClient, context: BrowserContext, address: str) -> None:
    """Chromium is signed in as the test client is."""
    cookie = client.get_cookie("outreach")
    assert cookie, "open the application without a public https address: the browser keeps plain cookies only"
    context.add_cookies([{"name": "outreach", "value": cookie.value, "url": address}])


def complaining(page: Page) -> list[str]:
    """What the console complains of from now on, and errors of scripts; one list that grows.

    That a request was given up for a newer one is as it should be: a slow machine does it more often.
    """
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(GIVEN_UP):
            said.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def press(control: Locator, key: str = "") -> None:
    """Clicks what leads to another page, or presses `key` on it; comes back when that page has loaded.

    Where the page stays and only a part of it changes, click, and `expect` what changes.
    """
    with control.page.expect_navigation(timeout=PATIENCE):
        if key:
            control.press(key)
        else:
            control.click()


def heights(controls: Locator) -> list[float]:
    """How high the visible ones are on a loaded page, in pixels; at least one must be there."""
    controls.filter(visible=True).first.wait_for()
    boxes = [control.bounding_box() for control in controls.filter(visible=True).all()]
    return [box["height"] for box in boxes if box is not None]


def width_beyond(page: Page) -> int:
    """By how many pixels a loaded page is wider than its window; 0 when it fits."""
    wider: int = page.evaluate(
        f"""async () => {{
          const root = document.documentElement, wider = () => root.scrollWidth - root.clientWidth;
          for (let left = {FITTING}; left && wider() > 0; left--) await new Promise((done) => setTimeout(done, 50));
          return wider();
        }}"""
    )
    return wider


def violations(page: Page) -> list[str]:
    """What axe finds on a loaded page; empty when all is well."""
    # Evaluated from outside the page, so that its policy stays as strict as it is.
    found: list[str] = page.evaluate(
        f"{_checker()}; axe.run(document, {ASKED}).then(found => found.violations.flatMap(v => "
        "v.nodes.map(n => `${v.id}: ${n.html.slice(0, 160)} ${n.failureSummary}`)))"
    )
    return found


def complaints(page: Page) -> list[str]:
    """What axe finds and what does not fit, at both widths; empty when all is well."""
    found = []
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        if width_beyond(page) > 0:
            found.append(f"{page.url} is wider than {width} px")
        found += [f"{page.url} at {width}: {violation}" for violation in violations(page)]
    return found


@cache
def _checker() -> str:
    return AXE.read_text()
