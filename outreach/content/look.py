"""The practice's colour in mail: one, readable with white on it."""

import re

DEFAULT_COLOUR = "#0a5c54"
LEAST_CONTRAST = 4.5
"""WCAG 2.2, 1.4.3, for text of normal size."""
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours like "#0a5c54", 1 to 21 (WCAG 2.2, relative luminance)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def readable(colour: str) -> bool:
    """Whether white text on the colour, and the colour on white, can be read."""
    return bool(_HEX.fullmatch(colour)) and contrast(colour, "#ffffff") >= LEAST_CONTRAST


def brand(colour: str) -> str:
    """The colour when it is readable, else the default: mail is never unreadable because of a setting."""
    return colour.lower() if readable(colour) else DEFAULT_COLOUR


def darker(colour: str) -> str:
    """The same hue, just dark enough to be readable; "" for what is no colour."""
    if not _HEX.fullmatch(colour):
        return ""
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    for percent in range(100, -1, -2):
        tried = "#" + "".join(f"{part * percent // 100:02x}" for part in parts)
        if readable(tried):
            return tried
    return DEFAULT_COLOUR


def lighter(colour: str) -> str:
    """The same hue, light enough to be read on a dark ground (for clients in dark mode)."""
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(part + (255 - part) * 0.6):02x}" for part in parts)


def _luminance(colour: str) -> float:
    linear = []
    for start in (1, 3, 5):
        part = int(colour[start : start + 2], 16) / 255
        linear.append(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
