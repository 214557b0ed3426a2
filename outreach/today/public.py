"""Everything of this room that is reachable without signing in."""

from flask import Blueprint

today_public = Blueprint("today_public", __name__)
