"""Signed-in screens of this room, put together."""

from outreach.events import away_views, day_views, invite_views, limit_views, met_views, paper_views, signup_views
from outreach.events.event_views import events

__all__ = [
    "away_views",
    "day_views",
    "events",
    "invite_views",
    "limit_views",
    "met_views",
    "paper_views",
    "signup_views",
]
