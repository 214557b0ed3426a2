"""Import in five steps: upload, match columns, check, run, done. Every step is a page that can be come back to."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.contacts import clinical, import_checking, import_mending, import_undoing, importing
from outreach.contacts.columns import FIELDS, ColumnMapping, column_mapping
from outreach.contacts.csvfile import write_csv
from outreach.contacts.formats import NPPES, TEMPLATE_HEADER
from outreach.contacts.forms import CheckForm, UploadForm, options
from outreach.contacts.import_narrowing import narrow
from outreach.contacts.import_uploading import REFUSED_HEADER, label_of, upload_all
from outreach.contacts.imports import DUPLICATES, UNDO_FOR, ImportLine, ImportRun
from outreach.contacts.kinds import KIND_LABELS
from outreach.contacts.specialties import GROUPS
from outreach.errors import Refusal
from outreach.practice.models import Person

imports = Blueprint("contact_imports", __name__, url_prefix="/contacts/import")
SHOWN = 20


@imports.route("", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def start() -> ResponseReturnValue:
    form = UploadForm()
    if not form.is_submitted():
        return _start_page(form)
    if not form.validate() or not form.file.data or not form.file.data.filename:
        return _start_page(form, wrong="Choose a file first.")
    made = upload_all(
        screen.session(),
        form.file.data.stream,
        form.file.data.filename,
        now=screen.now(),
        home=screen.world().settings.home,
        by_id=screen.actor_id(),
    )
    if isinstance(made, Refusal):
        screen.record("refused-upload", "import", None, reason=made.reason)
        return _start_page(form, wrong=made.text)
    for run in made:
        screen.record("uploaded", "import", run.id, size_bytes=run.size_bytes)
    if len(made) > 1:
        words = f"{len(made)} lists were in this archive. Take them one after the other, opt-outs too."
        return screen.done("/contacts/import", words)
    return screen.done(f"/contacts/import/{made[0].id}")


@imports.get("/template.csv")
def template() -> ResponseReturnValue:
    return _file(iter(()), "outreach-template.csv", TEMPLATE_HEADER)


@imports.get("/<int:run_id>")
@screen.needs(*screen.WRITERS)
def one(run_id: int) -> ResponseReturnValue:
    run = _run(run_id)
    if run.status == "uploaded" or (run.status in ("checked", "failed") and request.args.get("again")):
        return _match_page(run, _check_form(run))
    if run.status == "failed" and run.started_at is None:
        return _match_page(run, _check_form(run))
    page = {"checking": "progress", "running": "progress", "failed": "progress", "checked": "checked"}.get(
        run.status, "done"
    )
    person = screen.session().get(Person, run.by_id) if run.by_id else None
    return screen.page(
        f"contacts/import_{page}.html",
        run=run,
        known=label_of(run),
        problems=_problems(run),
        fields_of=import_mending.fields_of,
        by=person.name if person else "",
        undo_days=UNDO_FOR.days,
        undo_until=_local((run.finished_at or run.started_at or run.created_at) + UNDO_FOR),
        can_undo=run.can_be_undone(screen.now()),
        now=screen.now().astimezone(screen.zone()),
        rules=DUPLICATES,
        stop_polling=run.status not in ("checking", "running"),
    )


@imports.get("/<int:run_id>/progress")
@screen.needs(*screen.WRITERS)
def progress(run_id: int) -> ResponseReturnValue:
    """The progress line alone; 286 tells htmx to stop asking, and the page is loaded anew."""
    run = _run(run_id)
    if run.status not in ("checking", "running"):
        return Response("", status=286, headers={"HX-Refresh": "true"})
    return screen.page("contacts/_import_progress.html", run=run)


@imports.post("/<int:run_id>/check")
@screen.needs(*screen.WRITERS)
def check(run_id: int) -> ResponseReturnValue:
    run, form = _run(run_id), _check_form(None)
    mapping = _mapping(run)
    if isinstance(mapping, Refusal):
        form.form_errors.append(mapping.text)
        return _match_page(run, form, status=422)
    refusal = _narrowed(run)
    if refusal is not None:
        form.form_errors.append(refusal.text)
        return _match_page(run, form, status=422)
    refusal = importing.choose(
        screen.session(),
        run,
        mapping=mapping,
        default_kind=form.default_kind.data or "",
        duplicates=form.duplicates.data or "",
        permission=form.permission.data or "",
        permission_words=form.permission_words.data or "",
        now=screen.now(),
    )
    if refusal is not None:
        form.form_errors.append(refusal.text)
        return _match_page(run, form, status=422)
    import_checking.check_at_once(
        screen.session(), run, key=screen.world().key, home=screen.world().settings.home, now=screen.now()
    )
    screen.record("checked", "import", run.id, permission=run.permission)
    return screen.done(f"/contacts/import/{run.id}")


@imports.post("/<int:run_id>/choices")
@screen.needs(*screen.WRITERS)
def choices(run_id: int) -> ResponseReturnValue:
    run = _run(run_id)
    for name, what in request.form.items():
        if name.startswith("row-") and (row := screen.row_id(name[4:])) is not None:
            refusal = import_checking.choose_row(screen.session(), run, row, what)
            if refusal is not None:
                return screen.refused(refusal, f"/contacts/import/{run.id}")
    screen.record("decided", "import", run.id, rows=len(run.options.get("choices", {})))
    return screen.done(f"/contacts/import/{run.id}", "Your choices are kept. Nothing is written yet.")


@imports.post("/<int:run_id>/mend")
@screen.needs(*screen.WRITERS)
def mend(run_id: int) -> ResponseReturnValue:
    run = _run(run_id)
    typed: dict[int, dict[int, str]] = {}
    for name, text in request.form.items():
        said = name.split("-")
        if len(said) == 3 and said[0] == "cell" and (row := screen.row_id(said[1])) and said[2].isdecimal():
            typed.setdefault(row, {})[int(said[2][:5])] = text
    result = import_mending.mend(screen.session(), run, typed, key=screen.world().key)
    if isinstance(result, Refusal):
        return screen.refused(result, f"/contacts/import/{run.id}")
    well, still = result
    screen.record("mended", "import", run.id, rows=well)
    words = f"{well:,} {'row is' if well == 1 else 'rows are'} well now. Nothing is written yet."
    more = f" {still:,} {'needs' if still == 1 else 'need'} another look."
    return screen.done(f"/contacts/import/{run.id}", words + (more if still else ""))


@imports.post("/<int:run_id>/again")
@screen.needs(*screen.WRITERS)
def again(run_id: int) -> ResponseReturnValue:
    run, world = _run(run_id), screen.world()
    made = import_mending.again(
        screen.session(), run, now=screen.now(), home=world.settings.home, key=world.key, by_id=screen.actor_id()
    )
    if isinstance(made, Refusal):
        return screen.refused(made, f"/contacts/import/{run.id}")
    screen.record("took-up", "import", made.id, of=run.id)
    return screen.done(f"/contacts/import/{made.id}")


@imports.post("/<int:run_id>/run")
@screen.needs(*screen.WRITERS)
def begin(run_id: int) -> ResponseReturnValue:
    run = _run(run_id)
    refusal = importing.start(screen.session(), run, now=screen.now())
    if refusal is not None:
        return screen.refused(refusal, f"/contacts/import/{run.id}")
    screen.record("started", "import", run.id)
    return screen.done(f"/contacts/import/{run.id}")


@imports.post("/<int:run_id>/stop")
@screen.needs(*screen.WRITERS)
def stop(run_id: int) -> ResponseReturnValue:
    run = _run(run_id)
    refusal = importing.stop(screen.session(), run, now=screen.now())
    if refusal is not None:
        return screen.refused(refusal, f"/contacts/import/{run.id}")
    screen.record("stopped", "import", run.id, rows=run.handled)
    return screen.done(f"/contacts/import/{run.id}")


@imports.post("/<int:run_id>/undo")
@screen.needs(*screen.WRITERS)
def undo(run_id: int) -> ResponseReturnValue:
    run = _run(run_id)
    result = import_undoing.undo(screen.session(), run, now=screen.now())
    if isinstance(result, Refusal):
        return screen.refused(result, f"/contacts/import/{run.id}")
    screen.record("undid", "import", run.id, **result)
    if run.undone_at is None:
        words = "It is being taken back and goes on by itself; what you changed since stays, and so do opt-outs."
        return screen.done(f"/contacts/import/{run.id}", words)
    said = f"{result['removed']:,} taken out, {result['restored']:,} as before, {result['kept']:,} kept"
    return screen.done(f"/contacts/import/{run.id}", f"Undone: {said} because of later work. Opt-outs stay.")


@imports.post("/<int:run_id>/discard")
@screen.needs(*screen.WRITERS)
def discard(run_id: int) -> ResponseReturnValue:
    run = _run(run_id)
    refusal = importing.discard(screen.session(), run, home=screen.world().settings.home)
    if refusal is not None:
        return screen.refused(refusal, f"/contacts/import/{run.id}")
    screen.record("discarded", "import", run_id)
    return screen.done("/contacts/import", "The file is gone. Nothing was imported.")


@imports.get("/<int:run_id>/refused.csv")
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def refused_rows(run_id: int) -> ResponseReturnValue:
    run = _run(run_id)
    lines = screen.session().execute(
        select(ImportLine.row_number, ImportLine.reason, ImportLine.column, ImportLine.cells)
        .where(ImportLine.run_id == run.id, ImportLine.result == "problem")
        .order_by(ImportLine.row_number)
        .execution_options(yield_per=1000)
    )
    screen.record("exported", "import", run.id)
    rows = ([number, reason, column, *cells] for number, reason, column, cells in lines)
    return _file(rows, f"refused-{run.id}.csv", (*REFUSED_HEADER, *run.header))


def _file(rows: Iterator[list[object]], name: str, header: tuple[str, ...]) -> Response:
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response("".join(write_csv(header, rows)), mimetype="text/csv", headers=disposition)


def _local(at: datetime) -> datetime:
    return at.astimezone(screen.zone())


def _run(run_id: int) -> ImportRun:
    return screen.or_404(screen.session().get(ImportRun, run_id))


def _problems(run: ImportRun) -> list[ImportLine]:
    found = select(ImportLine).where(ImportLine.run_id == run.id, ImportLine.result == "problem")
    return list(screen.session().scalars(found.order_by(ImportLine.row_number).limit(SHOWN)))


def _start_page(form: UploadForm, *, wrong: str = "") -> ResponseReturnValue:
    runs = screen.session().scalars(select(ImportRun).order_by(ImportRun.id.desc()).limit(SHOWN)).all()
    if wrong:
        form.file.errors = [wrong]
    return screen.page(
        "contacts/import_start.html",
        status=422 if wrong else 200,
        form=form,
        runs=runs,
        now=screen.now().astimezone(screen.zone()),
    )


def _check_form(run: ImportRun | None) -> CheckForm:
    form = CheckForm(
        default_kind=run.default_kind if run else None,
        duplicates=run.duplicates if run else "fill",
        permission=run.permission if run else None,
        permission_words=run.permission_words if run else "",
    )
    form.default_kind.choices = options([("", "As the file says, otherwise providers"), *KIND_LABELS.items()])
    return form


def _narrowed(run: ImportRun) -> Refusal | None:
    if run.format != NPPES.key:
        return None
    return narrow(
        screen.session(),
        run,
        groups=request.form.getlist("only-group"),
        zips=request.form.get("only-zips", "")[:2000],
        miles=request.form.get("only-miles", "")[:10],
        people_only=request.form.get("only-people") == "yes",
    )


def _match_page(run: ImportRun, form: CheckForm, *, status: int = 200) -> ResponseReturnValue:
    by_position = {position: name for name, positions in run.mapping.items() for position in positions}
    forbidden = clinical.forbidden_columns(run.header)
    columns: list[dict[str, Any]] = [
        {
            "position": position,
            "name": name or f"Column {position + 1}",
            "field": request.form.get(f"column-{position}", by_position.get(position, "")),
            "samples": [row[position] for row in run.samples if position < len(row) and row[position]],
            "forbidden": forbidden.get(position, ""),
        }
        for position, name in enumerate(run.header)
    ]
    return screen.page(
        "contacts/import_match.html",
        status=status,
        run=run,
        form=form,
        columns=columns,
        fields=[("", "Leave out"), *FIELDS.items()],
        only=run.options.get("only", {}) if run.format == NPPES.key else None,
        specialty_groups=GROUPS,
        known=label_of(run) if run.format else "",
    )


def _mapping(run: ImportRun) -> ColumnMapping | Refusal | None:
    """The columns a person chose; None keeps a format that was recognised."""
    if run.format and request.form.get("keep") == "yes":
        return None
    chosen = ((position, request.form.get(f"column-{position}", "")) for position in range(len(run.header)))
    return column_mapping(run.header, [(position, field) for position, field in chosen if field])
