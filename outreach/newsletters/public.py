"""Everything of this room that is reachable without signing in."""

from flask import Blueprint

newsletters_public = Blueprint("newsletters_public", __name__)
