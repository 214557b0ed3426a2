"""The real application in Chromium, with somebody signed in: how the screens of issues and cards are looked at."""

import os

from flask import Flask
from playwright.sync_api import Browser, Page, expect

from outreach.runtime import Runtime
from tests.browser.live import complaining, served, violations, width_beyond
from tests.people import sign_in

__all__ = ["SIZES", "Screens", "served", "violations"]
SIZES = {"desk": (1440, 900), "phone": (390, 844)}


class Screens:
    """Maya's browser at one size; collects what the console says."""

    def __init__(self, browser: Browser, base: str, app: Flask, runtime: Runtime, size: str, *, script: bool = True):
        width, height = SIZES[size]
        self.context = browser.new_context(viewport={"width": width, "height": height}, java_script_enabled=script)
        # Over plain http a browser keeps no __Host- cookie.
        app.session_interface._always_secure = False  # type: ignore[attr-defined]
        client = sign_in(app, runtime, "maya@cedarlane.example")
        client.get("/newsletters/")
        cookies = [{"name": c.key, "value": c.value, "url": base} for c in client._cookies.values()]
        self.context.add_cookies(cookies)  # type: ignore[arg-type]
        self.base, self.size = base, size
        self.turn_over()

    def turn_over(self) -> None:
        """A fresh tab, that nothing was said in yet."""
        for page in self.context.pages:
            page.close()
        self.page: Page = self.context.new_page()
        self.said = complaining(self.page)

    def open(self, path: str) -> Page:
        """That page, with everything loaded."""
        self.page.goto(self.base + path)
        self.page.wait_for_load_state("networkidle")
        return self.page

    def picture(self, name: str) -> None:
        """A picture for people, when the variable SCREENS names a folder."""
        if folder := os.environ.get("SCREENS"):
            self.page.screenshot(path=f"{folder}/{name}-{self.size}.png", full_page=True)

    def is_clean(self, path: str, name: str) -> None:
        """Axe finds nothing, nothing is wider than the screen, and neither policy nor console complains."""
        page = self.open(path)
        self.picture(name)
        expect(page.locator("h1"), path).to_have_count(1)
        assert self.said == [], f"{path}: {self.said}"
        assert violations(page) == [], path
        wide = width_beyond(page)
        assert wide <= 0, f"{path} is {wide} px too wide"
        self.turn_over()  # the checker itself tries styles that the policy forbids, and says so late

    def close(self) -> None:
        """The browser window is gone."""
        self.context.close()
