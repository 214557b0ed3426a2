"""Signed-in screens of this room."""

from flask import Blueprint

gifts = Blueprint("gifts", __name__, url_prefix="/gifts")
