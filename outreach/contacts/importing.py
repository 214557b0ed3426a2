"""A file becomes contacts: uploaded, matched, checked without writing, then run by the worker in committed batches."""

from datetime import datetime

from sqlalchemy.orm import Session

from outreach.contacts.columns import ColumnMapping
from outreach.contacts.formats import FORMATS
from outreach.contacts.import_checking import from_the_start
from outreach.contacts.import_running import work as work
from outreach.contacts.import_sweeping import discard as discard
from outreach.contacts.import_uploading import remember
from outreach.contacts.import_uploading import upload as upload
from outreach.contacts.imports import DUPLICATES, PERMISSIONS, ImportRun
from outreach.contacts.kinds import KINDS
from outreach.errors import Refusal


def choose(
    session: Session,
    run: ImportRun,
    *,
    mapping: ColumnMapping | None,
    default_kind: str,
    duplicates: str,
    permission: str,
    permission_words: str,
    now: datetime,
) -> Refusal | None:
    """How the file is to be read and where permission came from is on record, and the check is due. Idempotent.

    `mapping` None keeps what was recognised. Refusals: no-permission-source, bad-kind, bad-choice, too-late.
    """
    if run.status not in ("uploaded", "checking", "checked", "failed") or run.started_at is not None:
        return Refusal("too-late", "This import runs already: its columns cannot be changed any more.")
    if permission not in PERMISSIONS:
        return Refusal("no-permission-source", "Say where permission to write to these people came from.")
    if default_kind not in ("", *KINDS):
        return Refusal("bad-kind", "Choose what kind of contacts these are.")
    if duplicates not in DUPLICATES:
        return Refusal("bad-choice", "Choose what happens to contacts that are in the book already.")
    run.default_kind, run.duplicates = default_kind, duplicates
    if mapping is not None:
        run.mapping = {name: list(positions) for name, positions in mapping.columns.items()}
        if not _is_list_of_opt_outs(run):
            run.format = ""
            remember(session, run, now=now)
    run.permission, run.permission_words = permission, permission_words.strip()[:2000]
    run.status = "checking"
    from_the_start(session, run)
    return None


def _is_list_of_opt_outs(run: ImportRun) -> bool:
    # Whatever columns are chosen: people who unsubscribed must not come in as subscribers.
    return any(known.key == run.format and (known.suppression or known.opt_outs_only) for known in FORMATS)


def stop(session: Session, run: ImportRun, *, now: datetime) -> Refusal | None:
    """A running import rests after its last kept row; it can go on or be undone. Idempotent. Refusals: too-late."""
    session.refresh(run, with_for_update=True)
    if run.status == "failed":
        return None
    if run.status != "running":
        return Refusal("too-late", "This import does not run any more.")
    run.status, run.finished_at = "failed", now
    kept = f"after {run.handled:,} rows. They are kept; nothing after them was."
    run.error = f"Stopped by you {kept if run.handled else 'before the first row was written.'}"
    return None


def start(session: Session, run: ImportRun, *, now: datetime) -> Refusal | None:
    """The worker takes it from here, or goes on where it stopped. Idempotent. Refusals: not-checked, nothing-to-do."""
    session.refresh(run, with_for_update=True)
    if run.status == "running":
        return None
    resumable = run.status == "failed" and run.started_at is not None
    if run.status != "checked" and not resumable:
        return Refusal("not-checked", "Look at the check first.")
    if resumable:
        # Rows that broke are tried again: what was wrong may be mended by now.
        left = {name: value for name, value in run.options.items() if name != "broken"}
        run.status, run.error, run.finished_at, run.options = "running", "", None, left
        return None
    if not any(run.counts.get(result) for result in ("new", "possible", "updated", "stopped")) and not run.options.get(
        "choices"
    ):
        return Refusal("nothing-to-do", "Nothing in this file would change anything.")
    run.status, run.started_at, run.error = "running", now, ""
    run.position = run.handled = 0
    run.counts = {}
    return None
