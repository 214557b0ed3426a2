"""Signed-in screens of this room."""

from flask import Blueprint

newsletters = Blueprint("newsletters", __name__, url_prefix="/newsletters")
