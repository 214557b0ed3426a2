"""A practice with one live campaign, and as many people inside it as a benchmark asks for."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from bench import house
from outreach.campaigns.models import Campaign, CampaignVersion
from outreach.db import make_engine


def build(
    home: Path, many: int, steps: Sequence[dict[str, Any]], inside: str = "", values: Mapping[str, object] | None = None
) -> Path:
    """`many` contacts and a published campaign of these steps; `inside`: the INSERT of its enrollments, or nothing."""
    house.build(home, many, issue=False)
    engine = make_engine(f"sqlite:///{home / 'outreach.db'}")
    made = {"made_at": house.MADE_AT, "edited_at": house.MADE_AT, "published_at": house.MADE_AT}
    with Session(engine) as session:
        session.add(
            Campaign(
                id=1,
                name="Bench",
                status="live",
                group_id=1,
                seed=1,
                created_at=house.MADE_AT,
                published_at=house.MADE_AT,
            )
        )
        session.flush()
        session.add(
            CampaignVersion(
                id=1,
                campaign_id=1,
                number=1,
                state="published",
                settings={"group_id": 1},
                steps=list(steps),
                audiences=["provider"],
                **made,
            )
        )
        session.flush()
        if inside:
            session.execute(text(inside), dict(values or {}))
        session.commit()
    engine.dispose()
    return home
