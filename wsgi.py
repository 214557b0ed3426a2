"""The web door, for gunicorn: `gunicorn wsgi:app`."""

import os

from outreach.config import settings_from
from outreach.runtime import open_runtime
from outreach.web import create_app

app = create_app(open_runtime(settings_from(mode="demo" if os.environ.get("OUTREACH_MODE") == "demo" else "run")))
