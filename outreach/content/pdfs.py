"""PDF files for readers to keep: handouts, brochures. Pure: bytes in, bytes or a refusal out.

They cannot be written anew as pictures are, so a file with anything in it that acts, hides or follows the end of the
document is refused.
"""

import re
import zlib

from outreach.errors import Refusal

MAX_BYTES = 5 * 1024 * 1024
MAX_UNPACKED = 40 * 1024 * 1024
END_WITHIN = 1024
ACTIVE = re.compile(
    rb"/(?:JavaScript|JS|Launch|EmbeddedFiles?|RichMedia|XFA|SubmitForm|ImportData|GoToE|Encrypt)(?![A-Za-z])"
)
"""Names of PDF 32000-1 that act, carry other files, or hide what is inside."""
ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)

NOT_A_PDF = Refusal("not-a-pdf", "This file is not a whole PDF document. Save it as PDF again. Nothing was stored.")
TOO_LARGE = Refusal("file-too-large", "The file is over 5 MB. Save it smaller first. Nothing was stored.")
ACTS = Refusal(
    "active-file",
    "This PDF holds a script, a form, another file or a password. Print it to a plain PDF first. Nothing was stored.",
)


def checked(content: bytes) -> bytes | Refusal:
    """The file, when it is a PDF and nothing but a PDF. Refusals: not-a-pdf, file-too-large, active-file."""
    if len(content) > MAX_BYTES:
        return TOO_LARGE
    end = content.rfind(b"%%EOF")
    if not content.startswith(b"%PDF-1.") and not content.startswith(b"%PDF-2."):
        return NOT_A_PDF
    if end < 0 or content[end + 5 :].strip(b"\r\n\t \x00"):
        return NOT_A_PDF
    unpacked = _unpacked(content)
    if unpacked is None or any(ACTIVE.search(_plain(part)) for part in (STREAM.sub(b"", content), *unpacked)):
        return ACTS
    return content


def _plain(part: bytes) -> bytes:
    """Names may be written with #4A for J."""
    return ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), part)


def _unpacked(content: bytes) -> list[bytes] | None:
    """What is packed in the file; None when it is too much to look through."""
    result, left = [], MAX_UNPACKED
    for found in STREAM.finditer(content):
        reader = zlib.decompressobj()
        try:
            part = reader.decompress(found[1], left)
        except zlib.error:
            continue
        if reader.unconsumed_tail:
            return None
        left -= len(part)
        # Only packed objects can hold names that act; pages and pictures are drawing orders.
        if b"/" in part:
            result.append(part)
        if left <= 0:
            return None
    return result
