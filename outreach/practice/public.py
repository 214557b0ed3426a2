"""Everything of this room that is reachable without signing in."""

from flask import Blueprint

practice_public = Blueprint("practice_public", __name__)
