"""The kit in Chromium: axe, the content security policy, the console, weight, and the small elements at work."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import open_browser
from tests.ui.kit import create_app, serve

pytestmark = pytest.mark.browser
AXE = Path(__file__).parents[1] / "vendor" / "axe-core-4.14.1" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIZES = {"desk": (1440, 900), "tablet": (1024, 800), "phone": (390, 844), "narrow": (320, 640)}
PAGES = ["today", "contact", "components", "builder", "public"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with serve(create_app()) as address:
        yield address


def visit(browser: Browser, address: str, size: str = "desk", **options: bool) -> tuple[Page, list[str]]:
    width, height = SIZES[size]
    page = browser.new_context(viewport={"width": width, "height": height}, **options).new_page()  # type: ignore[arg-type]
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return page, said


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    found = page.evaluate("tags => axe.run({runOnly: {type: 'tag', values: tags}})", TAGS)
    return [f"{v['id']}: {n['html'][:160]} {n['failureSummary']}" for v in found["violations"] for n in v["nodes"]]


@pytest.mark.parametrize("size", ["desk", "phone"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_the_policy_reports_nothing(browser: Browser, base: str, name: str, size: str) -> None:
    page, said = visit(browser, f"{base}/page/{name}", size)
    assert said == []
    assert violations(page) == []
    page.context.close()


def test_axe_would_find_a_pale_title(browser: Browser, base: str) -> None:
    page, _ = visit(browser, f"{base}/page/ordinary")
    page.evaluate("document.querySelector('h1').style.color = '#ccc'")
    assert [text.split(":")[0] for text in violations(page)] == ["color-contrast"]
    page.context.close()


def test_the_policy_would_report_an_inline_style(browser: Browser, base: str) -> None:
    page, said = visit(browser, f"{base}/page/ordinary")
    page.evaluate("document.querySelector('h1').setAttribute('style', 'color: red')")
    assert "Content Security Policy" in said[0]
    page.context.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_no_page_scrolls_sideways(browser: Browser, base: str, name: str, size: str) -> None:
    page, _ = visit(browser, f"{base}/page/{name}", size)
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    page.context.close()


@pytest.mark.parametrize("name", ["today", "components"])
def test_pages_are_complete_without_script(browser: Browser, base: str, name: str) -> None:
    page, said = visit(browser, f"{base}/page/{name}", java_script_enabled=False)
    assert said == []
    page.locator("details.menu summary").first.click()
    assert page.locator("details.menu[open] .menu-list").first.is_visible()
    page.context.close()


def test_the_phone_menu_opens_without_script(browser: Browser, base: str) -> None:
    page, _ = visit(browser, f"{base}/page/today", "phone", java_script_enabled=False)
    page.get_by_role("link", name="Menu", exact=True).click()
    assert page.get_by_role("link", name="Newsletters").is_visible()
    page.get_by_role("link", name="Close menu").click()
    assert not page.get_by_role("link", name="Newsletters").is_visible()
    page.context.close()


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_main_actions_are_large_enough(browser: Browser, base: str, size: str) -> None:
    page, _ = visit(browser, f"{base}/page/today", size)
    least = 44 if size == "phone" else 36
    for box in [b.bounding_box() for b in page.locator("main .btn:visible:not(.btn-sm)").all()]:
        assert box is not None
        assert box["height"] >= least
    page.context.close()


def test_a_dialog_loads_opens_and_gives_the_focus_back(browser: Browser, base: str) -> None:
    page, said = visit(browser, f"{base}/page/components")
    opener = page.get_by_role("link", name="Open from the server")
    opener.click()
    page.locator("#dialog[open]").wait_for()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Name"
    assert violations(page) == []
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Open from the server"
    assert said == []
    page.context.close()


def test_shortcuts_work_and_are_off_while_typing(browser: Browser, base: str) -> None:
    page, _ = visit(browser, f"{base}/page/today")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "site-search"
    page.keyboard.type("g?")
    assert page.input_value("#site-search") == "g?"
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") == "Dr. Samuel Okafor"
    page.keyboard.press("?")
    assert page.get_by_role("dialog").get_by_text("Snooze the row").is_visible()
    page.context.close()


def test_toasts_offer_undo_and_leave_by_themselves(browser: Browser, base: str) -> None:
    page, _ = visit(browser, f"{base}/page/ordinary")
    page.clock.install()
    page.goto(f"{base}/page/toast")
    toast = page.locator("#toasts [data-toast]")
    assert toast.get_by_role("button", name="Undo").is_visible()
    page.clock.run_for(11_000)
    assert toast.count() == 0
    page.context.close()


def test_the_editor_writes_back_and_keeps_details_as_text(browser: Browser, base: str) -> None:
    page, said = visit(browser, f"{base}/page/builder")
    editor = page.get_by_role("textbox", name="Text")
    assert editor.locator(".detail").inner_text() == "Organization"
    editor.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" Hello")
    page.get_by_role("button", name="Detail about the contact").click()
    page.get_by_role("button", name="First name").click()
    value = page.evaluate("document.getElementById('body').value")
    assert "{{ organization }}" in value
    assert "{{ first_name }}" in value
    assert "Hello" in value
    assert "span" not in value
    assert said == []
    page.context.close()


def test_hostile_paste_leaves_only_what_is_allowed(browser: Browser, base: str) -> None:
    page, _ = visit(browser, f"{base}/page/builder")
    value = page.evaluate(
        """() => { const e = document.querySelector('rich-text').editor;
        e.setHTML('<p>ok <img src=x onerror=alert(1)><a href="javascript:x()">a</a><b style="color:red">b</b></p>');
        document.querySelector('rich-text').writeBack(); return document.getElementById('body').value }"""
    )
    assert not any(bad in value for bad in ("img", "javascript", "style", "onerror"))
    assert "<b>b</b>" in value
    page.context.close()


def test_charts_are_drawn_from_their_table_and_fold_it(browser: Browser, base: str) -> None:
    page, _ = visit(browser, f"{base}/page/components")
    chart = page.locator("chart-view").first
    assert chart.locator("canvas").is_visible()
    assert not chart.locator("table").is_visible()
    chart.get_by_text("Show as table").click()
    assert chart.locator("table").is_visible()
    page.context.close()


def test_a_public_page_sends_less_than_seventy_kilobytes_and_no_script(browser: Browser, base: str) -> None:
    page = browser.new_context().new_page()
    sizes: list[int] = []
    page.on("response", lambda r: sizes.append(len(r.body())))
    page.goto(f"{base}/page/public")
    page.wait_for_load_state("networkidle")
    assert 20_000 < sum(sizes) < 70_000
    assert page.locator("script").count() == 0
    page.context.close()


def test_forced_colours_and_print_keep_the_page_legible(browser: Browser, base: str) -> None:
    page, _ = visit(browser, f"{base}/page/today")
    page.emulate_media(forced_colors="active")
    assert page.locator(".page-actions .btn").first.is_visible()
    page.emulate_media(forced_colors="none", media="print")
    assert not page.locator(".side").is_visible()
    assert page.get_by_role("link", name="Dr. Samuel Okafor").is_visible()
    page.context.close()
