"""Who a campaign is for and how people get in: the part of a version that is not a step."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from outreach.campaigns.entries import EVENTS
from outreach.campaigns.rules import FIRST_MINUTE
from outreach.campaigns.steps import WEEKDAYS
from outreach.contacts.consent import CAMPAIGN_TOPICS, TOPIC_LABELS
from outreach.deliveries.caps.cap_rules import MATTERS, RHYTHM_DAYS

ENTRIES = {
    "group": "Everyone in the group, and whoever joins it later",
    "hand": "Only people I put in by hand",
    **{key: event.said for key, event in EVENTS.items()},
}
"""How people get in; all but the first two are events that happen to somebody of the group."""
MOST_DAYS_AFTER = 3650
TOPICS = {key: TOPIC_LABELS[key] for key in (*CAMPAIGN_TOPICS, "asks", "events")}
"""The kinds of mail that a campaign can be: each can be stopped on its own, and some come in a slower rhythm."""
ON_REPLY = {
    "hold": "Wait until somebody has answered, then go on",
    "stop": "Stop the campaign for them",
}
MOST_HELD_OUT_PCT = 50


@dataclass(frozen=True)
class Setup:
    """The settings of one version. `minute` and `weekdays` say when the first step comes; no weekdays: any send day."""

    group_id: int | None = None
    topic: str = "education"
    entry: str = "group"
    days_after: int = 0
    """Only for events: so many days later they enter."""
    again_days: int | None = None
    holdout_pct: int = 0
    minute: int = FIRST_MINUTE
    weekdays: list[int] = field(default_factory=list)
    matters: str = "usual"
    """What goes first when one person's limits bind, a key of MATTERS."""
    own_share: bool = False
    """Its emails keep a share of what a person may get, so that mail which expects more never crowds them out."""
    on_reply: str = "hold"
    """What happens when they write to us, a key of ON_REPLY; a step of the campaign may stop it anyway."""
    letters: bool = False
    """Clients whom no transport may reach get a letter to print."""

    def to_json(self) -> dict[str, Any]:
        """As kept in the version."""
        return asdict(self)

    @property
    def rests_on_referrals(self) -> bool:
        """Whether the event by which they enter is one of referrals."""
        return self.entry in EVENTS and EVENTS[self.entry].from_yield

    @staticmethod
    def from_json(kept: Mapping[str, Any] | None) -> "Setup":
        """The settings that were kept; whatever cannot be read falls back to the default."""
        raw = kept or {}
        return Setup(
            group_id=_whole(raw.get("group_id"), 1, 2**53),
            topic=raw["topic"] if raw.get("topic") in TOPICS else "education",
            entry=raw["entry"] if raw.get("entry") in ENTRIES else "group",
            days_after=_whole(raw.get("days_after"), 0, MOST_DAYS_AFTER) or 0,
            again_days=_whole(raw.get("again_days"), 1, 3650),
            holdout_pct=_whole(raw.get("holdout_pct"), 0, MOST_HELD_OUT_PCT) or 0,
            minute=minute_of(raw.get("minute")),
            weekdays=weekdays_of(raw.get("weekdays")),
            matters=raw["matters"] if raw.get("matters") in MATTERS else "usual",
            own_share=raw.get("own_share") is True,
            on_reply=raw["on_reply"] if raw.get("on_reply") in ON_REPLY else "hold",
            letters=raw.get("letters") is True,
        )


def topic_said(topic: str) -> str:
    """ "Notes from therapist to therapist (to one person at most once in 30 days)"."""
    days = RHYTHM_DAYS.get(topic)
    return f"{TOPICS[topic]} (to one person at most once in {days} days)" if days else TOPICS[topic]


def minute_of(value: Any) -> int:
    """A minute of the day, 9:00 when it cannot be read."""
    found = _whole(value, 0, 1439)
    return FIRST_MINUTE if found is None else found


def weekdays_of(value: Any) -> list[int]:
    """Weekdays from Monday 0, sorted, each once; all seven mean the same as none."""
    chosen = sorted({int(one) for one in value if str(one) in "0123456"} if isinstance(value, list) else set())
    return [] if len(chosen) == 7 else chosen


def weekdays_said(weekdays: list[int]) -> str:
    """ "Tue to Thu", "Mon, Wed", "weekdays"."""
    if not weekdays or weekdays == [0, 1, 2, 3, 4]:
        return "a weekday"
    run = list(range(weekdays[0], weekdays[-1] + 1))
    if weekdays == run and len(run) > 2:
        return f"{WEEKDAYS[run[0]]} to {WEEKDAYS[run[-1]]}"
    return ", ".join(WEEKDAYS[day] for day in weekdays)


def time_said(minute: int) -> str:
    """ "9:00", "14:30"."""
    return f"{minute // 60}:{minute % 60:02}"


def _whole(value: Any, least: int, most: int) -> int | None:
    text = str(value).strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 16:
        return None
    return int(text) if least <= int(text) <= most else None
