"""EMR import: upload, match columns, check, run, done. Every step is a page that can be come back to."""

from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.contacts.csvfile import write_csv
from outreach.errors import Refusal
from outreach.practice.models import Location, Payer, Person, Service
from outreach.referrals.emr import emr_running
from outreach.referrals.emr.door_names import NOT_KNOWN
from outreach.referrals.emr.emr_columns import FIELDS, TEMPLATE_HEADER, WORD_FIELDS, Mapping, choose, mapping_from
from outreach.referrals.emr.emr_models import UNDO_FOR, EmrLine, EmrRun
from outreach.referrals.emr.forms import EmrMatchForm, EmrUploadForm

emr = Blueprint("emr", __name__, url_prefix="/emr")
SHOWN = 50
RUNS = 10


@emr.route("", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def start() -> ResponseReturnValue:
    form = EmrUploadForm()
    if not form.is_submitted():
        return _start_page(form)
    if not form.validate() or not form.file.data or not form.file.data.filename:
        return _start_page(form, wrong="Choose a file first.")
    world = screen.world()
    made = emr_running.upload(
        screen.session(),
        form.file.data.stream,
        now=screen.now(),
        home=world.settings.home,
        key=world.key,
        by_id=screen.actor_id(),
    )
    if isinstance(made, Refusal):
        screen.record("refused-upload", "emr-import", None, reason=made.reason)
        return _start_page(form, wrong=made.text)
    screen.record("uploaded", "emr-import", made.id, rows=made.rows_total)
    return screen.done(f"/referrals/emr/{made.id}")


@emr.get("/template.csv")
def template() -> ResponseReturnValue:
    return _file("".join(write_csv(TEMPLATE_HEADER, [])), "outreach-referrals.csv")


@emr.get("/<int:run_id>")
@screen.needs(*screen.WRITERS)
def one(run_id: int) -> ResponseReturnValue:
    run = _run(run_id)
    if run.status == "uploaded" or (run.status == "failed" and run.started_at is None):
        return _match_page(run, _form_of(mapping_from(run.mapping)))
    person = screen.session().get(Person, run.by_id) if run.by_id else None
    return screen.page(
        "referrals/emr_run.html",
        run=run,
        refused=_refused(run, SHOWN),
        by=person.name if person else "",
        can_undo=run.can_be_undone(screen.now()),
        undo_days=UNDO_FOR.days,
        now=screen.now().astimezone(screen.zone()),
    )


@emr.get("/<int:run_id>/progress")
@screen.needs(*screen.WRITERS)
def progress(run_id: int) -> ResponseReturnValue:
    """The progress line alone; 286 tells htmx to stop asking, and the page is loaded anew."""
    run = _run(run_id)
    if run.status != "running":
        return Response("", status=286, headers={"HX-Refresh": "true"})
    return screen.page("referrals/_emr_progress.html", run=run)


@emr.post("/<int:run_id>/match")
@screen.needs(*screen.WRITERS)
def match(run_id: int) -> ResponseReturnValue:
    run, form = _run(run_id), EmrMatchForm()
    explained = {name: field for at, (name, _) in enumerate(run.dropped) if (field := _left_out(run, at))}
    if explained:
        return _explain(run, form, explained)
    chosen = ((at, request.form.get(f"column-{at}", "")) for at in range(len(run.header)))
    mapping = choose(
        [(at, name) for at, name in chosen if name],
        day_first=form.day_first.data == "yes",
        discipline=form.discipline.data or "",
        has_client_key=run.has_client_key,
    )
    if not isinstance(mapping, Refusal):
        known = mapping_from(run.mapping).words
        mapping = Mapping(mapping.columns, mapping.day_first, mapping.discipline, known)
    refusal = (
        mapping
        if isinstance(mapping, Refusal)
        else emr_running.choose(screen.session(), run, mapping, now=screen.now())
    )
    if refusal is not None:
        form.form_errors.append(refusal.text)
        return _match_page(run, form, status=422)
    screen.record("matched-columns", "emr-import", run.id)
    return screen.done(f"/referrals/emr/{run.id}/check")


@emr.get("/<int:run_id>/check")
@screen.needs(*screen.WRITERS)
def check(run_id: int) -> ResponseReturnValue:
    run, world = _run(run_id), screen.world()
    if run.status != "uploaded" or "received_on" not in mapping_from(run.mapping).columns:
        return screen.done(f"/referrals/emr/{run.id}")
    home = world.settings.home
    counts, refused = emr_running.check(
        screen.session(), run, home=home, key=world.key, now=screen.now(), today=screen.today()
    )
    return screen.page(
        "referrals/emr_check.html",
        run=run,
        counts=counts,
        unknown=emr_running.unknown_words(screen.session(), run, home=home),
        meanings=_meanings(),
        labels=FIELDS,
        looked_at=min(run.rows_total, emr_running.CHECKED_ROWS),
        refused=sorted([*_refused(run, SHOWN), *refused])[:SHOWN],
    )


@emr.post("/<int:run_id>/words")
@screen.needs(*screen.WRITERS)
def say_words(run_id: int) -> ResponseReturnValue:
    """What the file's words for payers, services and clinics mean; remembered for the next import of this report."""
    run = _run(run_id)
    meanings = {name: {at for at, _ in pairs} for name, pairs in _meanings().items()}
    said: dict[str, dict[str, int]] = {}
    for name in WORD_FIELDS:
        pairs = zip(request.form.getlist(f"{name}-word"), request.form.getlist(f"{name}-is", type=int), strict=False)
        said[name] = {word[:200]: at for word, at in pairs if at in meanings[name]}
    refusal = emr_running.choose(screen.session(), run, emr_running.mean(run, said), now=screen.now())
    if refusal is not None:
        return screen.refused(refusal, f"/referrals/emr/{run.id}")
    screen.record("explained-words", "emr-import", run.id, words=sum(map(len, said.values())))
    return screen.done(f"/referrals/emr/{run.id}/check", "Remembered, for the next file too.")


@emr.post("/<int:run_id>/run")
@screen.needs(*screen.WRITERS)
def begin(run_id: int) -> ResponseReturnValue:
    run = _run(run_id)
    refusal = emr_running.start(run, now=screen.now())
    if refusal is not None:
        return screen.refused(refusal, f"/referrals/emr/{run.id}")
    screen.record("started", "emr-import", run.id)
    return screen.done(f"/referrals/emr/{run.id}")


@emr.post("/<int:run_id>/discard")
@screen.needs(*screen.WRITERS)
def discard(run_id: int) -> ResponseReturnValue:
    run = _run(run_id)
    refusal = emr_running.discard(screen.session(), run, home=screen.world().settings.home)
    if refusal is not None:
        return screen.refused(refusal, f"/referrals/emr/{run.id}")
    screen.record("discarded", "emr-import", run_id)
    return screen.done("/referrals/emr", "The file is erased. Nothing was imported.")


@emr.post("/<int:run_id>/undo")
@screen.needs(*screen.WRITERS)
def undo(run_id: int) -> ResponseReturnValue:
    run = _run(run_id)
    result = emr_running.undo(screen.session(), run, now=screen.now(), today=screen.today())
    if isinstance(result, Refusal):
        return screen.refused(result, f"/referrals/emr/{run.id}")
    gone, stay = result
    screen.record("undid", "emr-import", run.id, gone=gone, stay=stay)
    kept = f" {stay:,} stay, because somebody worked on them since." if stay else ""
    return screen.done(f"/referrals/emr/{run.id}", f"Undone: {gone:,} taken out of the log.{kept}")


@emr.get("/<int:run_id>/refused.csv")
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def refused_rows(run_id: int) -> ResponseReturnValue:
    """Number and reason, nothing of the row itself: the row is in your own file."""
    run = _run(run_id)
    screen.record("exported", "emr-import", run.id)
    return _file("".join(write_csv(("Row", "Reason"), _refused(run, None))), f"refused-{run.id}.csv")


def _left_out(run: EmrRun, at: int) -> str:
    return request.form.get(f"left-out-{at}", "") if run.dropped[at][1] == NOT_KNOWN else ""


def _explain(run: EmrRun, form: EmrMatchForm, said: dict[str, str]) -> ResponseReturnValue:
    world, run_id = screen.world(), run.id
    refusal = emr_running.explain(screen.session(), run, said, now=screen.now(), home=world.settings.home)
    if refusal is not None:
        form.form_errors.append(refusal.text)
        return _match_page(run, form, status=422)
    screen.record("explained-columns", "emr-import", run_id, columns=len(said))
    return screen.done("/referrals/emr", "Remembered. Choose the file again: that column is read from now on.")


def _file(text: str, name: str) -> Response:
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, mimetype="text/csv", headers=disposition)


def _run(run_id: int) -> EmrRun:
    return screen.or_404(screen.session().get(EmrRun, run_id))


def _refused(run: EmrRun, limit: int | None) -> list[tuple[int, str]]:
    mine = (EmrLine.run_id == run.id, EmrLine.result == "refused")
    found = select(EmrLine.row_number, EmrLine.reason).where(*mine).order_by(EmrLine.row_number).limit(limit)
    return [(row[0], row[1]) for row in screen.session().execute(found)]


def _start_page(form: EmrUploadForm, *, wrong: str = "") -> ResponseReturnValue:
    if wrong:
        form.file.errors = [wrong]
    runs = screen.session().scalars(select(EmrRun).order_by(EmrRun.id.desc()).limit(RUNS)).all()
    return screen.page(
        "referrals/emr_start.html",
        status=422 if wrong else 200,
        form=form,
        runs=runs,
        now=screen.now().astimezone(screen.zone()),
    )


def _form_of(mapping: Mapping) -> EmrMatchForm:
    return EmrMatchForm(day_first="yes" if mapping.day_first else "no", discipline=mapping.discipline)


def _match_page(run: EmrRun, form: EmrMatchForm, *, status: int = 200) -> ResponseReturnValue:
    by_position = {at: name for name, at in mapping_from(run.mapping).columns.items()}
    rows = emr_running.samples(run, home=screen.world().settings.home)
    columns: list[dict[str, Any]] = [
        {
            "position": at,
            "name": name or f"Column {at + 1}",
            "field": request.form.get(f"column-{at}", by_position.get(at, "")),
            "samples": [row[at] for row in rows if at < len(row) and row[at]],
        }
        for at, name in enumerate(run.header)
    ]
    return screen.page(
        "referrals/emr_match.html",
        status=status,
        run=run,
        form=form,
        columns=columns,
        fields=[("", "Leave out"), *FIELDS.items()],
        not_known=NOT_KNOWN,
        said=[_left_out(run, at) for at in range(len(run.dropped))],
    )


def _meanings() -> dict[str, list[tuple[int, str]]]:
    session = screen.session()
    services = session.execute(select(Service.id, Service.name).order_by(Service.name))
    payers = session.execute(select(Payer.id, Payer.name).order_by(Payer.name))
    clinics = session.execute(select(Location.id, Location.name).order_by(Location.name))
    return {
        "payer": [(row[0], row[1]) for row in payers],
        "service": [(row[0], row[1]) for row in services],
        "clinic": [(row[0], row[1]) for row in clinics],
    }
