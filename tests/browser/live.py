"""The application behind a real socket, for tests that look at it with Chromium."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import BrowserContext, Page
from werkzeug.serving import make_server

AXE = Path(__file__).parents[1] / "vendor" / "axe-core-4.14.1" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIZES = ((1440, 900), (390, 844))


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The address of the application, as long as the block lasts."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def carry_session(client: FlaskClient, context: BrowserContext, address: str) -> None:
    """Chromium is signed in as the test client is."""
    cookie = client.get_cookie("outreach")
    assert cookie, "open the application without a public https address: the browser keeps plain cookies only"
    context.add_cookies([{"name": "outreach", "value": cookie.value, "url": address}])


def complaints(page: Page) -> list[str]:
    """What axe finds and what does not fit, at both widths; empty when all is well."""
    found = []
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{page.url} is wider than {width} px")
        # Evaluated from outside the page, so that its policy stays as strict as it is.
        violations = page.evaluate(
            AXE.read_text() + "; axe.run(document, {runOnly: " + str(TAGS) + "})"
            ".then(found => found.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', ')))"
        )
        found += [f"{page.url} at {width}: {violation}" for violation in violations]
    return found
