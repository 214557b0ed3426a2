"""Signed-in screens of this room."""

from flask import Blueprint

campaigns = Blueprint("campaigns", __name__, url_prefix="/campaigns")
