"""Signing in: Flask-Security over the turn's session."""

from typing import Any

from flask import Flask


def install(app: Flask, runtime: Any) -> None:
    """The sign-in gate stands before every route that is not public."""
