"""The link of a tracked mail that nobody sees: who takes it reads mail for somebody else (standards D)."""

from outreach.content.segments import HTML, Segment, Segments, link
from outreach.deliveries.links import HIDDEN_LINK

END = "</body>"
OPENS = '<div style="display:none;mso-hide:all;max-height:0;overflow:hidden" aria-hidden="true"><a href="'
CLOSES = '" rel="nofollow" tabindex="-1">For mail scanners only</a></div>'


def with_hidden_link(html: Segments) -> Segments:
    """The same body, with the link before its end, in every language. It stands in no plain-text part."""
    return [part for segment in html for part in _parts(segment)]


def _parts(segment: Segment) -> Segments:
    if isinstance(segment, list):
        return [[*segment[:2], with_hidden_link(segment[2])] if segment[0] in "gv" else segment]
    before, end, after = segment.rpartition(END)
    return [before + OPENS, link(HIDDEN_LINK, "", HTML), CLOSES + end + after] if end else [segment]
