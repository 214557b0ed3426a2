"""The kit in Chromium: axe, the content security policy, the console, weight, and the small elements at work."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from tests.browser.chromium import open_browser
from tests.browser.live import complaining, heights, served, violations, width_beyond
from tests.ui.kit import create_app

pytestmark = pytest.mark.browser
SIZES = {"desk": (1440, 900), "tablet": (1024, 800), "phone": (390, 844), "narrow": (320, 640)}
PAGES = ["today", "contact", "components", "builder", "public"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with served(create_app()) as address:
        yield address


def visit(browser: Browser, address: str, size: str = "desk", **options: bool) -> tuple[Page, list[str]]:
    width, height = SIZES[size]
    page = browser.new_context(viewport={"width": width, "height": height}, **options).new_page()  # type: ignore[arg-type]
    said = complaining(page)
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return page, said


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
    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        page.evaluate("document.querySelector('h1').setAttribute('style', 'color: red')")
    assert len(said) == 1
    page.context.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_no_page_scrolls_sideways(browser: Browser, base: str, name: str, size: str) -> None:
    page, _ = visit(browser, f"{base}/page/{name}", size)
    assert width_beyond(page) <= 0
    page.context.close()


@pytest.mark.parametrize("name", ["today", "components"])
def test_pages_are_complete_without_script(browser: Browser, base: str, name: str) -> None:
    page, said = visit(browser, f"{base}/page/{name}", java_script_enabled=False)
    assert said == []
    page.locator("details.menu summary").first.click()
    expect(page.locator("details.menu[open] .menu-list").first).to_be_visible()
    page.context.close()


def test_the_phone_menu_opens_without_script(browser: Browser, base: str) -> None:
    page, _ = visit(browser, f"{base}/page/today", "phone", java_script_enabled=False)
    page.get_by_role("link", name="Menu", exact=True).click()
    expect(page.get_by_role("link", name="Newsletters")).to_be_visible()
    page.get_by_role("link", name="Close menu").click()
    expect(page.get_by_role("link", name="Newsletters")).to_be_hidden()
    page.context.close()


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_main_actions_are_large_enough(browser: Browser, base: str, size: str) -> None:
    page, _ = visit(browser, f"{base}/page/today", size)
    assert min(heights(page.locator("main .btn:not(.btn-sm)"))) >= (44 if size == "phone" else 36)
    page.context.close()


def test_a_dialog_loads_opens_and_gives_the_focus_back(browser: Browser, base: str) -> None:
    page, said = visit(browser, f"{base}/page/components")
    opener = page.get_by_role("link", name="Open from the server")
    opener.click()
    page.locator("#dialog[open]").wait_for()
    expect(page.get_by_label("Name", exact=True).and_(page.locator(":focus"))).to_have_count(1)
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    assert said == []
    page.context.close()


def test_shortcuts_work_and_are_off_while_typing(browser: Browser, base: str) -> None:
    page, _ = visit(browser, f"{base}/page/today")
    page.keyboard.press("/")
    expect(page.locator("#site-search")).to_be_focused()
    page.keyboard.type("g?")
    expect(page.locator("#site-search")).to_have_value("g?")
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(":focus")).to_have_text("Dr. Samuel Okafor")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog").get_by_text("Snooze the row")).to_be_visible()
    page.context.close()


def test_toasts_offer_undo_and_leave_by_themselves(browser: Browser, base: str) -> None:
    page, _ = visit(browser, f"{base}/page/ordinary")
    page.clock.install()
    page.goto(f"{base}/page/toast")
    toast = page.locator("#toasts [data-toast]")
    expect(toast.get_by_role("button", name="Undo")).to_be_visible()
    page.clock.run_for(11_000)
    expect(toast).to_have_count(0)
    page.context.close()


def test_the_editor_writes_back_and_keeps_details_as_text(browser: Browser, base: str) -> None:
    page, said = visit(browser, f"{base}/page/builder")
    editor = page.get_by_role("textbox", name="Text")
    expect(editor.locator(".detail")).to_have_text("Organization")
    editor.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" Hello")
    page.get_by_role("button", name="Detail about the contact").click()
    page.get_by_role("button", name="First name").click()
    body = page.locator("#body")
    for part in ("{{ organization }}", "{{ first_name }}", "Hello"):
        expect(body).to_have_value(re.compile(re.escape(part)))
    expect(body).not_to_have_value(re.compile("span"))
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
    expect(chart.locator("canvas")).to_be_visible()
    expect(chart.locator("table")).to_be_hidden()
    chart.get_by_text("Show as table").click()
    expect(chart.locator("table")).to_be_visible()
    page.context.close()


def test_a_public_page_sends_less_than_seventy_kilobytes_and_no_script(browser: Browser, base: str) -> None:
    page = browser.new_context().new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(f"{base}/page/public")
    page.wait_for_load_state("networkidle")
    assert 20_000 < sum(len(answer.body()) for answer in answers) < 70_000
    expect(page.locator("script")).to_have_count(0)
    page.context.close()


def test_forced_colours_and_print_keep_the_page_legible(browser: Browser, base: str) -> None:
    page, _ = visit(browser, f"{base}/page/today")
    page.emulate_media(forced_colors="active")
    expect(page.locator(".page-actions .btn").first).to_be_visible()
    page.emulate_media(forced_colors="none", media="print")
    expect(page.locator(".side")).to_be_hidden()
    expect(page.get_by_role("link", name="Dr. Samuel Okafor")).to_be_visible()
    page.context.close()
