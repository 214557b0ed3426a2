"""The blueprint of this room's signed-in screens; the modules of views put their routes on it."""

from flask import Blueprint

content = Blueprint("content", __name__, url_prefix="/content")
