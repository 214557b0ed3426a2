"""The practice's colour."""

from hypothesis import given
from hypothesis import strategies as st

from outreach.content.look import DEFAULT_COLOUR, LEAST_CONTRAST, brand, contrast, lighter

COLOURS = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)


def test_contrast_is_as_measured_elsewhere() -> None:
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#566970", "#ffffff"), 1) == 5.8
    assert contrast("#767676", "#ffffff") >= LEAST_CONTRAST > contrast("#777777", "#ffffff")


@given(COLOURS)
def test_the_colour_of_mail_can_always_be_read(colour: str) -> None:
    used = brand(colour)
    assert contrast(used, "#ffffff") >= LEAST_CONTRAST
    assert contrast(lighter(used), "#16262a") >= LEAST_CONTRAST


def test_nonsense_becomes_the_default() -> None:
    for colour in ("", "red", "#fff", "#12345g", "#0a5c54;}"):
        assert brand(colour) == DEFAULT_COLOUR
