"""Signed-in screens of this room."""

from flask import Blueprint

referrals = Blueprint("referrals", __name__, url_prefix="/referrals")
