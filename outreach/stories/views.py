"""Signed-in screens of this room, put together."""

from outreach.stories import file_views, outside_views
from outreach.stories.story_views import stories

__all__ = ["file_views", "outside_views", "stories"]
