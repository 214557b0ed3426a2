"""The blueprint of the settings about what the practice offers; the modules of views put their routes on it."""

from flask import Blueprint

offer = Blueprint("offer", __name__)
