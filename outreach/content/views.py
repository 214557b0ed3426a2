"""Signed-in screens of this room."""

from flask import Blueprint

content = Blueprint("content", __name__, url_prefix="/content")
