"""A file to open: a PDF of the library behind a link."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from outreach.content.blocks import Block, Context, Data, Field, Paragraph, Quoted
from outreach.content.mjml import text_row
from outreach.content.models import Asset
from outreach.content.picture_blocks import asset_of, asset_options, newer_problems, path_of
from outreach.content.problems import Problem, blocker
from outreach.content.segments import TEXT


class FileLink(Block):
    """A file of ours behind its title, with its size."""

    name, label, icon = "file", "File to open", "file-text"
    fields = (
        Field("asset_id", "File", "choice", help="PDF files of the library."),
        Field("label", "Words of the link", help="Empty: its title.", max_chars=100),
    )

    def to_mjml(self, data: Data, context: Context) -> str:
        """One line with a link."""
        asset = _file(data, context.session)
        if asset is None:
            return ""
        address = context.address(context.base_url + path_of(asset))
        style = f"color:{context.colour};text-decoration:underline"
        link = f'<a href="{address}" class="link" style="{style}">{context.words(_label(data, asset))}</a>'
        return text_row(f'<p style="margin:0 0 16px">{link} ({context.words(size_said(asset))})</p>')

    def to_text(self, data: Data, context: Context) -> list[Paragraph]:
        """The words, and the address on a line of its own."""
        asset = _file(data, context.session)
        if asset is None:
            return []
        words = context.parsed(f"{_label(data, asset)} ({size_said(asset)})")
        return [Paragraph([*words, ":\n", *context.link(context.base_url + path_of(asset), TEXT)])]

    def problems(self, data: Data, context: Context) -> list[Problem]:
        """No file, or one with a newer version."""
        asset = _file(data, context.session)
        if asset is None:
            return [blocker("no-file", "A file block has no file. Choose one or remove the block.")]
        return newer_problems(asset, context.session)

    def quotes(self, data: Data, context: Context) -> list[Quoted]:
        """The permission of the client whom it quotes."""
        asset = _file(data, context.session)
        if asset is None or asset.authorization_id is None:
            return []
        return [Quoted(asset.authorization_id, f"File: “{asset.title}”")]

    def options(self, field_name: str, session: Session, *, now: datetime) -> Sequence[tuple[str, str]]:
        """The files of the library, newest first."""
        return asset_options(session, files=True)

    def title(self, data: Data) -> str:
        """With its words."""
        return f"File: {data['label']}" if data.get("label") else "File to open"


def size_said(asset: Asset) -> str:
    """ "PDF, 340 kB"."""
    return f"PDF, {max(1, round(asset.size_bytes / 1000))} kB"


def _file(data: Data, session: Session) -> Asset | None:
    asset = asset_of(data.get("asset_id"), session)
    return asset if asset and not asset.width else None


def _label(data: Data, asset: Asset) -> str:
    return data.get("label") or asset.title
