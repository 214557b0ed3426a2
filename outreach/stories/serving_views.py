"""The bytes of a story's picture or scan as an answer: a file that nobody keeps and that never opens as a page."""

from flask import Response

from outreach.stories.file_models import StoryFile

POLICY = "default-src 'none'; base-uri 'none'; sandbox"
"""Nothing in the file runs or loads anything under our address."""


def served(file: StoryFile) -> Response:
    """The file; a PDF to be saved, for it has no place inside a page."""
    answer = Response(file.data, mimetype=file.media_type)
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Content-Security-Policy"] = POLICY
    name = "signed-paper.pdf"
    answer.headers["Content-Disposition"] = "inline" if file.width else f'attachment; filename="{name}"'
    return answer
