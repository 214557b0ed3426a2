"""A tiny application around the kit: the component page, Today and contact as drawn, a builder, a public page."""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, Response, flash, render_template
from jinja2 import FileSystemLoader
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    EmailField,
    Form,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    validators,
)

from outreach import ui

TEMPLATES = Path(__file__).parents[2] / "templates" / "web"
NOW = datetime(2026, 11, 23, 8, 30, tzinfo=ZoneInfo("America/New_York"))
APP_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PUBLIC_POLICY = APP_POLICY.replace("script-src 'self'", "script-src 'none'")
NAV: dict[str, Any] = {"today_count": 6, "referrals_count": 2, "practice_name": "Cedar Lane Therapy"}
NAV |= {"user_name": "Maya Jensen", "user_role": "Outreach coordinator"}
PAGES = Path(__file__).parent / "pages"


class Sample(Form):
    """One field of every kind."""

    name = StringField("Name", [validators.DataRequired("Give a name, as it stands on the door.")])
    email = EmailField("Email", [validators.Optional(), validators.Email("This is not an email address.")])
    service = SelectField("Service", choices={"pt": "Physical therapy", "ot": "Occupational therapy"})
    stage = RadioField(
        "Stage", choices={"new": "New", "booked": "Booked"}, validators=[validators.DataRequired("Choose one.")]
    )
    notes = TextAreaField("Notes", [validators.Optional()], description="No health details, please.")
    agreed = BooleanField("She agreed to get email from us")
    body = TextAreaField("Text")


def create_app() -> Flask:
    """Serves the kit under the real content security policy."""
    app = Flask("kit", static_folder=str(ui.STATIC), static_url_path="/static")
    app.secret_key = "kit"
    app.jinja_loader = FileSystemLoader([PAGES, TEMPLATES])
    ui.install(app.jinja_env)
    app.jinja_env.globals["csrf_token"] = lambda: "token"

    @app.get("/page/<name>")
    def page(name: str) -> Response:
        sample = Sample(MultiDict({"body": "<p>Your patients at {{ organization }} live <b>close</b>.</p>"}))
        if name in ("components", "public"):
            sample.validate()
        if name == "toast":
            flash({"text": "3 contacts snoozed", "undo": "/undo"}, "done")  # type: ignore[arg-type]
            name = "ordinary"
        text = render_template(
            f"{name}.html", now=NOW, sample=sample, nav={**NAV, "current": name.replace("contact", "contacts")},
            practice_name="Cedar Lane Therapy", practice_phone="(555) 014-7710", practice_address="12 Cedar Lane",
        )  # fmt: skip
        return Response(text, headers={"Content-Security-Policy": PUBLIC_POLICY if name == "public" else APP_POLICY})

    @app.get("/dev/components/dialog")
    def dialog() -> str:
        return render_template("dialog.html", fragment=True, nav=NAV)

    @app.get("/error/<int:code>")
    def error(code: int) -> Response:
        return Response(render_template("error.html", code=code), headers={"Content-Security-Policy": PUBLIC_POLICY})

    @app.get("/preview")
    def preview() -> str:
        return '<!doctype html><html lang="en"><title>Preview</title><main><h1>Cedar Lane</h1></main>'

    return app
