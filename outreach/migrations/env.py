"""Run by Alembic for each of its commands; `outreach.commands.migrating` calls it with an open connection.

A new revision: `python -m outreach.commands.migrating "What changes"`; it compares the tables in the program with
a database that is up to date.
"""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection

from outreach.contacts.search_models import is_ours
from outreach.db import Instant
from outreach.schema import load_all


def migrate(connection: Connection) -> None:
    """All pending revisions run in one transaction: a failure leaves the database as it was."""
    context.configure(
        connection=connection,
        target_metadata=load_all().metadata,
        render_as_batch=True,
        compare_type=True,
        compare_server_default=True,
        transactional_ddl=True,
        render_item=_render_item,
        include_name=is_ours,
    )
    with context.begin_transaction():
        context.run_migrations()


def _render_item(kind: str, value: Any, _autogen: Any) -> str | Literal[False]:
    # Revisions stand alone: they must not change when outreach.db does.
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(value, Instant) else False


migrate(context.config.attributes["connection"])
