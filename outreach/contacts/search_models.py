"""What search over contacts reads: their words in one folded line, and whose line is out of date."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, ForeignKey, Table, event, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Prose


class ContactSearch(Base):
    """Name, place, phone, e-mail and NPI of one contact, folded (`searching.folded`), for finding any part of them."""

    __tablename__ = "contact_search"

    contact_id: Mapped[int] = mapped_column(
        ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    folded: Mapped[Prose]


class ContactUnsearched(Base):
    """A contact whose line is out of date. Triggers of the database note it, whoever wrote; a job writes it anew."""

    __tablename__ = "contact_unsearched"

    contact_id: Mapped[int] = mapped_column(
        ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )


OF_CONTACT = (
    *("prefix", "first_name", "last_name", "credentials", "sort_name", "organization_id"),
    *("email", "phone", "street", "city", "zip5", "npi"),
)
"""The columns of a contact that stand in its line; the name of its organization does too."""
TRIGGERS = ("contact_unsearched_added", "contact_unsearched_changed", "contact_unsearched_renamed")

# "WHERE NOT EXISTS" and not "OR IGNORE": the policy of the statement that fires a trigger would overrule the latter.
_NOTE = (
    "INSERT INTO contact_unsearched (contact_id) SELECT NEW.id "
    "WHERE NOT EXISTS (SELECT 1 FROM contact_unsearched WHERE contact_id = NEW.id);"
)
_NOTE_PEOPLE = (
    "INSERT INTO contact_unsearched (contact_id) SELECT id FROM contact WHERE organization_id = NEW.id "
    "AND id NOT IN (SELECT contact_id FROM contact_unsearched);"
)
_DIFFERS = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in OF_CONTACT)
SQLITE_WATCH = (
    f"CREATE TRIGGER IF NOT EXISTS {TRIGGERS[0]} AFTER INSERT ON contact BEGIN {_NOTE} END",
    f"CREATE TRIGGER IF NOT EXISTS {TRIGGERS[1]} AFTER UPDATE OF {', '.join(OF_CONTACT)} ON contact "
    f"WHEN {_DIFFERS} BEGIN {_NOTE} END",
    f"CREATE TRIGGER IF NOT EXISTS {TRIGGERS[2]} AFTER UPDATE OF name ON organization "
    f"WHEN OLD.name IS NOT NEW.name BEGIN {_NOTE_PEOPLE} END",
)
_KEEP = "INSERT INTO contact_search_fts (rowid, folded) VALUES (NEW.contact_id, NEW.folded);"
_DROP = (
    "INSERT INTO contact_search_fts (contact_search_fts, rowid, folded) VALUES ('delete', OLD.contact_id, OLD.folded);"
)
SQLITE_INDEX = (
    # Trigrams without places: the line itself is asked in the end, and the index is a third of the size.
    "CREATE VIRTUAL TABLE IF NOT EXISTS contact_search_fts USING fts5(folded, content='contact_search', "
    "content_rowid='contact_id', tokenize='trigram', detail='none', columnsize=0)",
    f"CREATE TRIGGER IF NOT EXISTS contact_search_added AFTER INSERT ON contact_search BEGIN {_KEEP} END",
    f"CREATE TRIGGER IF NOT EXISTS contact_search_gone AFTER DELETE ON contact_search BEGIN {_DROP} END",
    f"CREATE TRIGGER IF NOT EXISTS contact_search_changed AFTER UPDATE ON contact_search BEGIN {_DROP} {_KEEP} END",
    "INSERT INTO contact_search_fts (contact_search_fts) VALUES ('rebuild')",
)
_CHANGED = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in OF_CONTACT)
POSTGRESQL_WATCH = (
    "CREATE OR REPLACE FUNCTION contact_unsearched_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "INSERT INTO contact_unsearched (contact_id) VALUES (NEW.id) ON CONFLICT DO NOTHING; RETURN NULL; END $$",
    "CREATE OR REPLACE FUNCTION contact_unsearched_note_people() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "INSERT INTO contact_unsearched (contact_id) SELECT id FROM contact WHERE organization_id = NEW.id ORDER BY id "
    "ON CONFLICT DO NOTHING; RETURN NULL; END $$",
    f"CREATE OR REPLACE TRIGGER {TRIGGERS[0]} AFTER INSERT ON contact FOR EACH ROW "
    "EXECUTE FUNCTION contact_unsearched_note()",
    f"CREATE OR REPLACE TRIGGER {TRIGGERS[1]} AFTER UPDATE OF {', '.join(OF_CONTACT)} ON contact FOR EACH ROW "
    f"WHEN ({_CHANGED}) EXECUTE FUNCTION contact_unsearched_note()",
    f"CREATE OR REPLACE TRIGGER {TRIGGERS[2]} AFTER UPDATE OF name ON organization FOR EACH ROW "
    "WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION contact_unsearched_note_people()",
)
POSTGRESQL_INDEX = (
    # Who may not add the extension searches without it: slower, and right all the same.
    "DO $$ BEGIN CREATE EXTENSION IF NOT EXISTS pg_trgm; "
    "CREATE INDEX IF NOT EXISTS ix_contact_search_folded ON contact_search USING gin (folded gin_trgm_ops); "
    "EXCEPTION WHEN insufficient_privilege OR undefined_file OR undefined_object OR feature_not_supported THEN "
    "RAISE NOTICE 'no pg_trgm'; END $$",
)


def is_ours(name: str | None, sort: str, _parents: object) -> bool:
    """Whether a name in the database is one that the program's models should have; for comparing the two.

    The trigrams lie in tables of their own on SQLite, in an index on PostgreSQL where it may be made.
    """
    known = {"table": "contact_search_fts", "index": "ix_contact_search_folded"}.get(sort)
    return known is None or not (name or "").startswith(known)


def watch(connection: Connection) -> None:
    """From now on every change of a contact's words is noted. For migrations too. Idempotent."""
    for statement in SQLITE_WATCH if connection.dialect.name == "sqlite" else POSTGRESQL_WATCH:
        connection.exec_driver_sql(statement)


def index(connection: Connection) -> None:
    """The lines are found by their trigrams. Idempotent."""
    for statement in SQLITE_INDEX if connection.dialect.name == "sqlite" else POSTGRESQL_INDEX:
        connection.exec_driver_sql(statement)


def note_everybody(connection: Connection) -> None:
    """The line of every contact is out of date: after a migration. Idempotent."""
    connection.execute(
        text(
            "INSERT INTO contact_unsearched (contact_id) SELECT id FROM contact "
            "WHERE id NOT IN (SELECT contact_id FROM contact_unsearched)"
        )
    )


@event.listens_for(Base.metadata, "after_create")
def _furnish(_target: object, connection: Connection, tables: Collection[Table], **_more: Any) -> None:
    if {"contact", "organization", "contact_search", "contact_unsearched"} <= {table.name for table in tables}:
        watch(connection)
        index(connection)
