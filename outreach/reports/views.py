"""Signed-in screens of this room."""

from flask import Blueprint

reports = Blueprint("reports", __name__, url_prefix="/reports")
