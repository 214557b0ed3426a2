"""Browser tests wait for what they expect: nothing in them reads a page that may still be on its way."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
CHROMIUM = ("playwright", "tests.browser", "tests.newsletters.browsing")
"""A file that imports one of these drives a browser."""
READS = {
    *("content", "text_content", "all_text_contents", "inner_text", "all_inner_texts", "inner_html", "input_value"),
    *("get_attribute", "is_checked", "is_disabled", "is_editable", "is_enabled", "is_hidden", "is_visible"),
    *("query_selector", "query_selector_all", "eval_on_selector", "eval_on_selector_all", "title"),
    *("wait_for_timeout", "sleep"),
}
"""Answers at once with what happens to be there, or waits for a time and not for a thing. Instead: expect(...)."""


def racing(text: str) -> list[str]:
    """Each racing read of a test file's text, as `line: name`."""
    tree = ast.parse(text)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    found = [call for call in calls if _races(call)]
    told = {inner for node in ast.walk(tree) if isinstance(node, ast.Assert) for inner in ast.walk(node.test)}
    found_urls = [node for node in told if isinstance(node, ast.Attribute) and ast.unparse(node).endswith("page.url")]
    asked = [c for c in calls if c in told and c.func.attr == "evaluate"]  # type: ignore[attr-defined]
    return [f"{node.lineno}: {ast.unparse(node)[:80]}" for node in (*found, *found_urls, *asked)]


def _races(call: ast.Call) -> bool:
    assert isinstance(call.func, ast.Attribute)
    name, of = call.func.attr, ast.unparse(call.func.value)
    empty = not call.args and not call.keywords
    is_page = "session" not in of and "scalars" not in of and "func" not in of
    return (
        name in READS or (name in ("all", "count") and empty and is_page) or (name == "wait_for_load_state" and empty)
    )


def drives_a_browser(text: str) -> bool:
    """Whether it imports something that opens or looks at a page."""
    for node in ast.walk(ast.parse(text)):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(name.startswith(CHROMIUM) for name in names):
            return True
    return False


@pytest.mark.parametrize(
    "line",
    [
        'assert "Saved" in page.content()',
        "page.wait_for_timeout(300)",
        'assert page.get_by_text("Saved").is_visible()',
        'assert page.locator("h1").count() == 1',
        'assert page.inner_text("h1") == "Saved"',
        'assert screens.page.url.endswith("/saved")',
        'assert page.evaluate("document.title") == "Saved"',
        "page.wait_for_load_state()",
        "time.sleep(1)",
    ],
)
def test_each_racing_read_would_be_found(line: str) -> None:
    assert len(racing(line)) == 1


def test_what_waits_is_left_alone() -> None:
    text = 'expect(page.locator("h1")).to_have_count(1)\nassert turn.session.scalars(asked).all() == []\n'
    assert racing(text + 'page.wait_for_load_state("networkidle")\nscreens.open(page.url)') == []


def test_no_browser_test_reads_a_page_that_may_be_leaving() -> None:
    found = {}
    for path in sorted(TESTS.rglob("*.py")):
        text = path.read_text()
        if path != Path(__file__) and path.parent.name != "browser" and drives_a_browser(text) and racing(text):
            found[str(path.relative_to(TESTS))] = racing(text)
    assert found == {}
