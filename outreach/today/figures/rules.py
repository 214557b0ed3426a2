"""A span of days with the one it is compared to, and a change in words. Pure."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Span:
    """A stretch of local days, both ends included, and what it is compared with."""

    first: date
    last: date
    earlier: "Span | None" = None

    @property
    def before(self) -> "Span":
        """The span it is compared with. Errors: ValueError when it has none."""
        if self.earlier is None:
            raise ValueError("This span is compared with nothing")
        return self.earlier


def changed(now: int, before: int, *, more_is_good: bool | None = None, when: str = "last month") -> tuple[str, str]:
    """The change in words, and whether it is good, bad or "" (where nobody can say)."""
    if now == before:
        return f"as {when} ({before:,})", ""
    more = now > before
    tone = "" if more_is_good is None else "good" if more == more_is_good else "bad"
    return f"{abs(now - before):,} {'more' if more else 'fewer'} than {when} ({before:,})", tone
