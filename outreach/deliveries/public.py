"""Everything of this room that is reachable without signing in."""

from flask import Blueprint

deliveries_public = Blueprint("deliveries_public", __name__)
