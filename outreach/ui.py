"""What templates may call: icons, words, dates as people say them, and the geometry of the small graphics.

`install(env)` puts all of it into a Jinja environment. Nothing here asks for the time: dates take `now`,
an aware datetime in the zone the reader lives in.
"""

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment
from markupsafe import Markup

STATIC = Path(__file__).parent / "static"
ICONS = STATIC / "vendor" / "tabler-icons-3.51.0"
SMALL_SAMPLE = 5  # ui-guide 2.7: with fewer, a rate is said as "3 of 4"

KINDS: dict[str, tuple[str, str]] = {  # kind: (word, tone); the tones are the colour pairs of ui-guide 2.2
    "physician": ("Physician", "pine"),
    "provider": ("Provider", "pine"),
    "office_staff": ("Office staff", "pine"),
    "office": ("Office", "pine"),
    "payer": ("Payer", "plain"),
    "transport_partner": ("Transport partner", "plain"),
    "community_organization": ("Community organization", "iris"),
    "client": ("Former client", "gold"),
    "former_client": ("Former client", "gold"),
    "current_client": ("Current client", "gold"),
    "family": ("Family", "gold"),
    "peer_therapist": ("Peer therapist", "sky"),
    "testimonial_client": ("Testimonial client", "rose"),
}
KIND_ALIASES = {"community": "community_organization", "organization": "community_organization"}
KIND_ALIASES |= {"client_former": "former_client", "client_current": "current_client", "peer": "peer_therapist"}
KIND_ALIASES |= {"testimonial": "testimonial_client", "story": "testimonial_client"}

SMALL_NUMBERS = [
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
IRREGULAR = {"person": "people", "child": "children", "is": "are", "has": "have", "this": "these"}
TITLES = {"dr", "mr", "mrs", "ms", "mx", "prof", "rev", "sr", "the"}


def install(env: Environment) -> None:
    """Every filter and global of this module is known to `env`."""
    env.globals.update(
        svg_icon=svg_icon, static=static, plural=plural, rate=rate, kind_word=kind_word, kind_tone=kind_tone,
        initials=initials, html_attrs=html_attrs, pulse_small=pulse_small, pulse_large=pulse_large,
        meter_fifths=meter_fifths, spark_points=spark_points, ring_arc=ring_arc, expected_words=expected_words,
        bar_widths=bar_widths,
    )  # fmt: skip
    env.filters.update(
        ago=ago, at=at, day=day, long_day=long_day, full=full, time_of_day=time_of_day, iso=iso,
        count=count, spell=spell, money=money, amount=amount, initials=initials, kind_word=kind_word,
    )  # fmt: skip


# Assets


def svg_icon(name: str, size: int = 18, label: str = "") -> Markup:
    """The icon as inline SVG in the colour of the text; hidden from readers unless it has a `label`."""
    seen = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup(
        '<svg class="icon" width="{0}" height="{0}" viewBox="0 0 24 24" fill="none" stroke="currentColor"'
        ' stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" focusable="false" {1}>{2}</svg>'
    ).format(int(size), seen, icon_paths(name))


@cache
def icon_paths(name: str) -> Markup:
    """What is inside the vendored file. LookupError names an icon that was never vendored."""
    source = ICONS / f"{name}.svg"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not source.is_file():
        raise LookupError(f"There is no icon called {name!r} in {ICONS.name}.")
    inner = source.read_text().partition("<svg")[2].partition(">")[2].rpartition("</svg>")[0]
    shapes = re.findall(r"<(?!path stroke=\"none\")[^>]+/>", inner)
    return Markup("".join(shapes).replace(" />", "/>"))  # noqa: S704 - our own vendored files


def static(path: str) -> str:
    """The address of a file in static/, changing with its content so that browsers may keep it for a year."""
    source = STATIC / path
    return f"/static/{path}?v={_digest(source, source.stat().st_mtime_ns)}"


@lru_cache(maxsize=256)
def _digest(source: Path, _changed_ns: int) -> str:
    return hashlib.sha256(source.read_bytes()).hexdigest()[:10]


def html_attrs(values: Mapping[str, Any]) -> Markup:
    """Keyword arguments as attributes: `hx_get` becomes `hx-get`, True stands bare, None and False are left out.

    ValueError for anything that the content security policy would block (style, on...).
    """
    out = []
    for key, value in values.items():
        name = key.rstrip("_").replace("_", "-")
        if name == "style" or name.startswith(("on", "hx-on")):
            raise ValueError(f"{name}= is blocked by the content security policy; use a class or app.js.")
        if value is None or value is False:
            continue
        out.append(Markup(" {}").format(name) if value is True else Markup(' {}="{}"').format(name, value))
    return Markup("").join(out)


# Words


def plural(n: float, one: str, many: str | None = None) -> str:
    """The word without the number: `plural(2, "reply")` is "replies"."""
    if n == 1:
        return one
    if many:
        return many
    head, _, last = one.rpartition(" ")
    return f"{head} {_many(last)}".strip()


def _many(word: str) -> str:
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


def count(n: float, one: str, many: str | None = None) -> str:
    """ "1 referral", "1,204 referrals"."""
    return f"{amount(n)} {plural(n, one, many)}"


def spell(n: int, one: str = "", many: str | None = None) -> str:
    """Small numbers in letters, as in "six people"; from 13 on in digits."""
    number = SMALL_NUMBERS[n] if 0 <= n < len(SMALL_NUMBERS) else amount(n)
    return f"{number} {plural(n, one, many)}" if one else number


def amount(n: float) -> str:
    """A number with thousands separated; whole numbers lose their ".0"."""
    return f"{n:,.0f}" if float(n).is_integer() else f"{n:,.1f}"


def money(cents: int) -> str:
    """Cents as dollars: 1250 is "$12.50", 1200 is "$12"."""
    sign, whole = "-" if cents < 0 else "", abs(cents)
    return f"{sign}${whole // 100:,}" + (f".{whole % 100:02d}" if whole % 100 else "")


def rate(part: int, whole: int) -> str:
    """ "72%", or "3 of 4" while the sample is small, or "none yet"."""
    if not whole:
        return "none yet"
    return f"{part} of {whole}" if whole < SMALL_SAMPLE else f"{100 * part / whole:.0f}%"


def kind_word(kind: object) -> str:
    """The word for a kind of contact, from a string or an enum member, however it separates its words."""
    name = _kind(kind)
    return KINDS[name][0] if name in KINDS else name.replace("_", " ").capitalize()


def kind_tone(kind: object) -> str:
    """The tone (a class of app.css) for a kind of contact."""
    return KINDS.get(_kind(kind), ("", "plain"))[1]


def _kind(kind: object) -> str:
    name = re.sub(r"[\s-]+", "_", str(getattr(kind, "value", kind) or "").strip().lower())
    return KIND_ALIASES.get(name, name)


def initials(name: object) -> str:
    """Two letters for a person or a place; titles and what follows a comma do not count."""
    words = [w.strip("()\"'’.") for w in str(name or "").partition(",")[0].split()]
    words = [w for w in words if w and w.lower() not in TITLES] or [w for w in words if w]
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


# Dates. A date is a local day; a datetime is aware and is shown in the zone of `now`.


def ago(when: date | datetime | None, now: datetime) -> str:
    """How long ago or how far ahead: "today", "6 days ago", "in 3 weeks", "2 hours ago", "never"."""
    if when is None:
        return "never"
    if isinstance(when, datetime):
        gap = now - when
        if abs(gap) < timedelta(minutes=1):
            return "just now"
        if abs(gap) < timedelta(hours=1):
            return _said(int(gap.total_seconds() / 60), "minute")
        if abs(gap) < timedelta(hours=8):
            return _said(int(gap.total_seconds() / 3600), "hour")
    days = (now.date() - _local(when, now)).days
    if abs(days) < 2:
        return {0: "today", 1: "yesterday", -1: "tomorrow"}[days]
    for unit, length, limit in (("day", 1, 21), ("week", 7, 70), ("month", 30.44, 730)):
        if abs(days) < limit:
            return _said(round(days / length), unit)
    return _said(round(days / 365.25), "year")


def at(when: date | datetime, now: datetime) -> str:
    """The moment as people say it: "today at 2:00 pm", "Tuesday at 9:00 am", "Dec 3 at 9:00 am"."""
    on = _local(when, now)
    days = (on - now.date()).days
    near = {0: "today", 1: "tomorrow", -1: "yesterday"}
    said = near.get(days) or (f"{on:%A}" if 1 < days < 7 else day(on, now))
    return f"{said} at {_clock(_in_zone(when, now))}" if isinstance(when, datetime) else said


def day(when: date | datetime, now: datetime | None = None) -> str:
    """ "Nov 24", with the year when it is not this year's (needs `now` to know)."""
    on = _local(when, now)
    short = f"{on:%b} {on.day}"
    return short if now is None or on.year == now.year else f"{short}, {on.year}"


def long_day(when: date | datetime, now: datetime | None = None) -> str:
    """ "Monday, November 23", with the year when it is not this year's."""
    on = _local(when, now)
    said = f"{on:%A, %B} {on.day}"
    return said if now is not None and on.year == now.year else f"{said}, {on.year}"


def full(when: date | datetime, now: datetime | None = None) -> str:
    """Nothing left out, for titles: "Monday, November 23, 2026, 9:00 am"."""
    on = _local(when, now)
    said = f"{on:%A, %B} {on.day}, {on.year}"
    if not isinstance(when, datetime):
        return said
    local = _in_zone(when, now)
    return f"{said}, {_clock(local)}"


def time_of_day(when: datetime, now: datetime | None = None) -> str:
    """ "9:00" in the working day (7 to 7), else with am or pm: for a list of one day, in its order."""
    local = _in_zone(when, now)
    return f"{local.hour % 12 or 12}:{local:%M}" if 7 <= local.hour < 19 else _clock(local)


def iso(when: date | datetime) -> str:
    """For `<time datetime>`: instants in UTC, days as days."""
    return when.astimezone(UTC).isoformat() if isinstance(when, datetime) else when.isoformat()


def _clock(local: datetime) -> str:
    return f"{local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"


def _said(n: int, unit: str) -> str:
    text = count(abs(n), unit)
    return f"{text} ago" if n >= 0 else f"in {text}"


def _in_zone(when: datetime, now: datetime | None) -> datetime:
    return when if now is None else when.astimezone(now.tzinfo)


def _local(when: date | datetime, now: datetime | None) -> date:
    return _in_zone(when, now).date() if isinstance(when, datetime) else when


# Geometry of the small graphics. Months come oldest first, as pairs (referrals, touches), as mappings
# or as objects with these names; a third member or `label` is the month's short name.


class Bar(NamedTuple):
    """One column; `number` and `label` are only drawn on the large pulse."""

    x: float
    y: float
    width: float
    height: float
    middle: float
    number: int
    label: str


class Pulse(NamedTuple):
    """Everything the macro draws: bars over the line, centres of the dots under it, and the sentence."""

    width: int
    height: int
    base: float
    bars: list[Bar]
    dots: list[tuple[float, float]]
    label: str


def pulse_small(months: Iterable[Any], name: str = "") -> Pulse:
    """The signature graphic at 112 x 30: up to one dot per month."""
    rows = [_month(m) for m in months]
    top = max([r for r, _, _ in rows], default=0)
    bars, dots, pitch = [], [], 112 / max(len(rows), 1)
    for i, (referrals, touches, label) in enumerate(rows):
        middle = round(pitch * (i + 0.5), 1)
        if referrals:
            tall = round(max(4.5, min(6.0 * referrals, 18.0 * referrals / top)), 1)
            bars.append(Bar(round(middle - 3, 1), round(19.5 - tall, 1), 6, tall, middle, referrals, label))
        if touches:
            dots.append((middle, 25.6))
    return Pulse(112, 30, 19.5, bars, dots, _pulse_words(rows, name))


def pulse_large(months: Iterable[Any], name: str = "") -> Pulse:
    """The profile's version at 744 x 150: numbers over the bars, one dot per touch (three at most)."""
    rows = [_month(m) for m in months]
    top = max([r for r, _, _ in rows], default=0)
    bars, dots, pitch = [], [], 744 / max(len(rows), 1)
    for i, (referrals, touches, label) in enumerate(rows):
        middle = round(pitch * (i + 0.5), 1)
        tall = round(min(26.0 * referrals, 78.0 * referrals / max(top, 1)), 1)
        bars.append(Bar(round(middle - 14, 1), round(104 - tall, 1), 28, tall, middle, referrals, label))
        shown = min(touches, 3)
        dots += [(round(middle + 10 * (j - (shown - 1) / 2), 1), 117.0) for j in range(shown)]
    return Pulse(744, 146, 104.0, bars, dots, _pulse_words(rows, name))


def _pulse_words(rows: Sequence[tuple[int, int, str]], name: str) -> str:
    said = f"{count(sum(r for r, _, _ in rows), 'referral')} and {count(sum(t for _, t, _ in rows), 'touch')}"
    return f"{name}: {said} in 12 months" if name else f"{said} in 12 months"


def _named(month: Any, key: str) -> Any:
    return getattr(month, key, None)


def _month(month: Any) -> tuple[int, int, str]:
    if isinstance(month, Mapping):
        get: Callable[[str], Any] = month.get
    elif hasattr(month, "referrals"):
        get = partial(_named, month)
    else:
        get = dict(zip(("referrals", "touches", "label"), month, strict=False)).get
    return int(get("referrals") or 0), int(get("touches") or 0), str(get("label") or "")


def meter_fifths(rank_pct: float | None) -> list[float]:
    """How full each of the five segments is (0 to 1), for a rank of 0 to 100 within the kind; 100 is the top."""
    rank = max(0.0, min(100.0, float(rank_pct or 0)))
    return [round(max(0.0, min(1.0, rank / 20 - i)), 2) for i in range(5)]


def expected_words(expected: float | None) -> str:
    """The number beside the meter: one decimal, never a false precision; "<0.1" for what is nearly nothing."""
    if expected is None:
        return "–"
    if 0 < expected < 0.05:
        return "<0.1"
    return f"{expected:.1f}" if expected < 10 else f"{expected:.0f}"


def spark_points(values: Sequence[float], width: int = 70, height: int = 24) -> str:
    """The points of a polyline from zero (or the lowest value below it) to the highest."""
    if not values:
        return ""
    low, high = min(0.0, *values), max(*values, 0.0)
    span, step = (high - low) or 1.0, (width - 4) / max(len(values) - 1, 1)
    return " ".join(
        f"{2 + i * step:.1f},{height - 2 - (v - low) / span * (height - 4):.1f}" for i, v in enumerate(values)
    )


def ring_arc(part: float, whole: float, radius: float = 18) -> str:
    """stroke-dasharray of a ring filled to `part` of `whole`."""
    around = 2 * math.pi * radius
    filled = around * max(0.0, min(1.0, part / whole if whole else 0.0))
    return f"{filled:.1f} {around:.1f}"


def bar_widths(values: Sequence[float], most: float | None = None) -> list[float]:
    """Each value's share (0 to 100) of the largest, by size, so that negative parts have a length too."""
    top = most or max((abs(v) for v in values), default=0) or 1
    return [round(min(100.0, 100 * abs(v) / top), 1) for v in values]
