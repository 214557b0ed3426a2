"""Everything of this room that is reachable without signing in."""

from flask import Blueprint

content_public = Blueprint("content_public", __name__)
