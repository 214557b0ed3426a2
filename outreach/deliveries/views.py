"""Signed-in screens of this room."""

from flask import Blueprint

deliveries = Blueprint("deliveries", __name__, url_prefix="/outbox")
