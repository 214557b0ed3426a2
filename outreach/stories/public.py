"""Everything of this room that is reachable without signing in."""

from flask import Blueprint

stories_public = Blueprint("stories_public", __name__)
