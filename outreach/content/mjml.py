"""Our own MJML templates, filled with markers only (see `Context.slot`), and the engine that turns MJML into HTML."""

from functools import cache
from pathlib import Path
from typing import Any

import mrml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "emails"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def row(name: str, /, **values: Any) -> str:
    """The MJML of one block template."""
    return _environment().get_template(f"blocks/{name}.mjml").render(**values).strip()


def text_row(html: str) -> str:
    """One row of text; `html` is our own markup and markers."""
    return f'<mj-text css-class="ink">{html}</mj-text>'


def layout(name: str, /, **values: Any) -> str:
    """The MJML of a whole message."""
    return _environment().get_template(f"{name}.mjml").render(**values)


def to_html(source: str) -> str:
    """The HTML that mail programs understand. Errors: whatever the engine raises; our templates are always valid."""
    content: str = mrml.to_html(source).content
    return content
