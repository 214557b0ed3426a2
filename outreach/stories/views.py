"""Signed-in screens of this room."""

from flask import Blueprint

stories = Blueprint("stories", __name__, url_prefix="/stories")
