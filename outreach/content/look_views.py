"""Settings: how mail looks. Logo, colour, signature, and a letter that shows them."""

from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.content import looking, previewing
from outreach.content.drafts import Draft
from outreach.content.forms import LookForm
from outreach.content.frame_views import content
from outreach.content.people_blocks import Signature
from outreach.content.picture_blocks import asset_options
from outreach.errors import Refusal
from outreach.practice.queries import practice_of

PAGE = "/content/look"
FIELDS = {"colour-not-readable": "colour", "no-logo": "logo_id", "logo-width": "logo_width", "no-signer": "signer_id"}
SAMPLE = Draft(
    subject="How our mail looks",
    preview_line="A short letter with everything in it",
    blocks=[
        {"type": "greeting", "word": "Dear", "fallback": "colleague"},
        {
            "type": "text",
            "html": "<p>This is how a letter from us looks: our name, a few words, one button.</p>",
        },
        {"type": "button", "label": "How to refer", "url": "https://outreach.example/"},
        {"type": "signature", "person_id": ""},
    ],
)


@content.get("/look")
@screen.needs(*screen.WRITERS)
def look() -> ResponseReturnValue:
    """The look as it is."""
    kept, practice = looking.look_of(screen.session()), practice_of(screen.session())
    said = {
        "colour": practice.brand_colour,
        "logo_id": str(kept.logo_id or "") if kept else "",
        "logo_width": kept.logo_width if kept else 160,
        "sign_off": kept.sign_off if kept else "",
        "signer_id": str(kept.signer_id or "") if kept else "",
    }
    return _look_page(_form(LookForm(formdata=None, data=said)))


@content.post("/look")
@screen.needs(*screen.ADMINISTRATORS)
def save_look() -> ResponseReturnValue:
    """Another look."""
    form = _form(LookForm())
    if not form.validate_on_submit():
        return _look_page(form, 422)
    saved = looking.save(
        screen.session(),
        now=screen.now(),
        colour=form.colour.data or "",
        logo_id=screen.row_id(form.logo_id.data),
        logo_width=form.logo_width.data,
        sign_off=form.sign_off.data or "",
        signer_id=screen.row_id(form.signer_id.data),
    )
    if isinstance(saved, Refusal):
        form[FIELDS[saved.reason]].errors = [saved.text]
        return _look_page(form, 422)
    screen.record("change-email-look", "practice", 1)
    return screen.done(PAGE, "Saved. What is approved already keeps its look.")


@content.get("/look/preview")
@screen.needs(*screen.WRITERS)
def look_preview() -> ResponseReturnValue:
    """The letter in the frame."""
    asked = {"as": previewing.NOBODY_KEY, "part": "html"}
    return previewing.document(
        screen.session(), now=screen.now(), world=screen.world(), draft=SAMPLE, kind="newsletter", asked=asked
    )


def _form(form: LookForm) -> LookForm:
    now = screen.now()
    form.logo_id.choices = form.as_choices(asset_options(screen.session()), "No logo")
    people = Signature().options("person_id", screen.session(), now=now)
    form.signer_id.choices = form.as_choices(people, "The sender of the practice")
    return form


def _look_page(form: LookForm, status: int = 200) -> ResponseReturnValue:
    return screen.page("content/look.html", status=status, form=form, page=PAGE)
