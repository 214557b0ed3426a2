"""What a report is about: days and filters, as a condition in SQL and as the address of the list behind a number."""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from sqlalchemy import ColumnElement

from outreach.referrals.queries import Filter
from outreach.reports.rules import Span


@dataclass(frozen=True)
class Scope:
    """Received referrals of these days, narrowed by service, sort of source and location."""

    span: Span
    discipline: str = ""
    source_class: str = ""
    location_id: int | None = None

    @property
    def before(self) -> "Scope":
        """The same over the stretch of days just before."""
        return replace(self, span=self.span.before)

    def over(self, span: Span) -> "Scope":
        """The same filters over other days."""
        return replace(self, span=span)

    def condition(self) -> ColumnElement[bool]:
        """The condition on Referral, with Contact outer-joined: exactly that of the list behind `link()`."""
        return Filter(
            view="all",
            discipline=self.discipline,
            source_class=self.source_class,
            location_id=self.location_id,
            received_from=self.span.first,
            received_until=self.span.last,
        ).condition()

    def link(self, **more: object) -> str:
        """The address of the list behind a number: the log of referrals with the same days and filters, and `more`."""
        named: dict[str, object] = {
            "view": "all",
            "from": self.span.first.isoformat(),
            "until": self.span.last.isoformat(),
            "discipline": self.discipline,
            "class": self.source_class,
            "location": self.location_id,
        }
        return "/referrals/?" + urlencode({key: value for key, value in (named | more).items() if value})
