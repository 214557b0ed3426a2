"""Signed-in screens of this room."""

from flask import Blueprint

practice = Blueprint("practice", __name__, url_prefix="/settings")
