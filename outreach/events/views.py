"""Signed-in screens of this room."""

from flask import Blueprint

events = Blueprint("events", __name__, url_prefix="/events")
