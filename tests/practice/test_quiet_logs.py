"""What goes wrong is logged without names and addresses."""

import logging
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from jobs import runner
from jobs.catalog import Job

ADDRESS = "p.raman@lakeside.example"


def test_a_statement_that_fails_does_not_write_its_values_into_the_log(runtime, caplog):
    def fails(turn, world, limit):
        turn.session.execute(text("INSERT INTO nowhere VALUES (:email)"), {"email": ADDRESS})

    with caplog.at_level(logging.ERROR):
        runner.tick(runtime, Job("fails", fails, timedelta(minutes=1)))
    assert "INSERT INTO nowhere" in caplog.text
    assert ADDRESS not in caplog.text


def test_a_page_that_only_looks_says_nothing_of_its_values_either(runtime):
    with pytest.raises(DBAPIError) as broken, runtime.turn(write=False) as turn:
        turn.session.execute(text("SELECT * FROM nowhere WHERE email = :email"), {"email": ADDRESS})
    assert ADDRESS not in str(broken.value)
