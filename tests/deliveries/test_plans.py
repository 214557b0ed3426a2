"""The ticks of the outbox find what is due by an index, however long the ledger is."""

import re

import pytest
from sqlalchemy import event

from jobs import runner
from jobs.catalog import job_named

LONG_TABLES = ("delivery", "provider_event", "inbound_mail", "touch", "contact")


@pytest.mark.sqlite
@pytest.mark.parametrize("name", ["send", "release-held", "apply-receipts", "read-inbound-mail"])
def test_a_tick_with_nothing_to_do_walks_over_no_long_table(runtime, cast, name):
    asked = []

    def note(_connection, _cursor, statement, parameters, _context, many):
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            asked.append((statement, parameters[0] if many else parameters))

    event.listen(runtime.engine, "before_cursor_execute", note)
    runner.work(runtime, job_named(name))
    event.remove(runtime.engine, "before_cursor_execute", note)
    assert asked
    with runtime.engine.connect() as connection:
        steps = [
            (row[3], statement)
            for statement, parameters in asked
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    # A scan of a partial index walks only over what is not handled yet.
    walks = [step for step in steps if re.fullmatch(rf"SCAN ({'|'.join(LONG_TABLES)})", step[0])]
    assert walks == []
    assert not [step for step in steps if "SCAN delivery" in step[0]]
