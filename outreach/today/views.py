"""Signed-in screens of this room."""

from flask import Blueprint

today = Blueprint("today", __name__, url_prefix="/today")
