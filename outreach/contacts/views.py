"""Signed-in screens of this room."""

from flask import Blueprint

contacts = Blueprint("contacts", __name__, url_prefix="/contacts")

blueprints = (contacts,)
