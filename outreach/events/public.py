"""Everything of this room that is reachable without signing in."""

from flask import Blueprint

events_public = Blueprint("events_public", __name__)
