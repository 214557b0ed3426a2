"""Templates keep the content security policy, name icons that exist, and compile."""

import re
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader

from outreach import ui

TEMPLATES = Path(__file__).parents[2] / "templates" / "web"
NAMED_ICON = r"""(?:\bicon=|\bicon\(|svg_icon\(|icon_disc\(|timeline_item\(|"icon":\s*)["']([a-z0-9-]+)["']"""
ALL = sorted(TEMPLATES.rglob("*.html"))
FORBIDDEN = {
    "a style attribute": r"<[a-z][^>]*\sstyle\s*=",
    "a style element": r"<style\b",
    "inline script": r"<script(?![^>]*\bsrc=)[^>]*>",
    "an event attribute": r"<[a-z][^>]*\son[a-z]+\s*=",
    "hx-on": r"\bhx-on\b|hx_on",
    "script in hx-vals": r"hx[-_]vals\s*[=:]\s*['\"]{1,2}\s*(js|javascript):",
    "a script address": r"(href|src|action)\s*=\s*[\"']javascript:",
    "a trigger filter": r"hx[-_]trigger\s*=\s*[\"'][^\"']*\b(click|keyup|keydown|change|input|submit|load)\[",
    "a foreign address": r"<(script|link|img|iframe)\b[^>]*\b(src|href)\s*=\s*[\"'](https?:)?//",
}


def without_comments(text: str) -> str:
    return re.sub(r"\{#.*?#\}|<!--.*?-->", "", text, flags=re.S)


def environment() -> Environment:
    env = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, extensions=["jinja2.ext.do"])
    ui.install(env)
    return env


@pytest.mark.parametrize("path", ALL, ids=lambda p: str(p.relative_to(TEMPLATES)))
def test_no_template_breaks_the_policy(path: Path) -> None:
    text = without_comments(path.read_text())
    assert [name for name, pattern in FORBIDDEN.items() if re.search(pattern, text, re.I)] == []


@pytest.mark.parametrize("path", ALL, ids=lambda p: str(p.relative_to(TEMPLATES)))
def test_every_icon_that_is_named_exists(path: Path) -> None:
    text = without_comments(path.read_text())
    named = re.findall(
        r"""(?:\bicon=|\bicon\(|svg_icon\(|icon_disc\(|timeline_item\(|"icon":\s*)["']([a-z0-9-]+)["']""", text
    )
    assert [name for name in named if not (ui.ICONS / f"{name}.svg").is_file()] == []


@pytest.mark.parametrize("path", ALL, ids=lambda p: str(p.relative_to(TEMPLATES)))
def test_every_template_compiles(path: Path) -> None:
    env = environment()
    source = re.sub(r"\|\s*tojson", "", path.read_text())
    source = re.sub(r"\{%-?\s*(trans|endtrans).*?%\}", "", source)
    env.parse(source)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('<p style="color: red">', "a style attribute"),
        ("<script>go()</script>", "inline script"),
        ('<a href="/" onclick="go()">', "an event attribute"),
        ("<a hx-on:click='go()'>", "hx-on"),
        ("<a hx-vals='js:{a: 1}'>", "script in hx-vals"),
        ('<a hx-trigger="click[ctrlKey]">', "a trigger filter"),
    ],
)
def test_the_search_finds_what_it_is_for(text: str, name: str) -> None:
    assert re.search(FORBIDDEN[name], text, re.I)


def test_the_search_leaves_the_kit_alone() -> None:
    fine = '<script src="/x.js" defer></script><button data-done name="on" class="on">one = 1</button>'
    assert [name for name, pattern in FORBIDDEN.items() if re.search(pattern, fine, re.I)] == []
