"""Signed-in screens of this room."""

from flask import Blueprint

cards = Blueprint("cards", __name__, url_prefix="/cards")
