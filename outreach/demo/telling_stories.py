"""What two clients of the demo told, and where their words stand."""

from datetime import timedelta

from sqlalchemy import select

from outreach.contacts.models import Contact
from outreach.demo.doings import Scene, worked
from outreach.stories import asking, outside, signing


def record_the_stories(scene: Scene) -> None:
    """Two clients told their stories; one permission lives, the other has ended by today."""
    clients = scene.session.scalars(
        select(Contact)
        .where(Contact.kind == "former-client", Contact.deceased_on.is_(None), Contact.email.is_not(None))
        .order_by(Contact.id)
        .limit(2)
    ).all()
    words = (
        ("Back on the river", "After my shoulder surgery I did not think I would row again. By spring I was back."),
        ("My own handwriting", "They gave me my handwriting back, one letter at a time, and never rushed me."),
    )
    ends = (scene.ends_on + timedelta(days=300), scene.ends_on - timedelta(days=4))
    for contact, (title, text), end in zip(clients, words, ends, strict=True):
        story = worked(
            asking.start(
                scene.session, now=scene.now, contact_id=contact.id, title=title, words=text, by_id=scene.person("Maya")
            )
        )
        wish = asking.Wish(scopes=("newsletter-providers", "email-providers", "website"), expires_on=end)
        permission = worked(
            signing.record_paper(
                scene.session,
                story,
                wish,
                now=scene.now,
                signed_on=scene.today - timedelta(days=3),
                signer=contact.name,
                authority="",
                document="Consent folder, shelf 2",
                by_id=scene.person("Maya"),
            )
        )
        if end > scene.ends_on:
            worked(
                outside.note(
                    scene.session,
                    permission,
                    now=scene.now,
                    scope="website",
                    place="Our website, page “What our clients say”",
                    used_on=scene.today,
                    by_id=scene.person("Maya"),
                )
            )
