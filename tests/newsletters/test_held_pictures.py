"""A picture that turns out to show a client, in mail that waits: to everybody at once, and to one person."""

from datetime import timedelta

from sqlalchemy import event, select

from jobs import runner
from outreach.content import assets, holding
from outreach.content.drafts import Draft
from outreach.content.models import Asset, MessageAuthorization
from outreach.deliveries import outbox
from outreach.deliveries.models import Delivery
from tests.content.letters import message
from tests.content.test_assets import added
from tests.content.test_client_pictures import face, saved
from tests.content.test_story_gate import story
from tests.newsletters.issues import approve, group, issue
from tests.people import to_others


def shown(made: Asset, subject: str) -> Draft:
    return Draft(subject=subject, blocks=[{"type": "picture", "asset_id": str(made.id), "alt": "Two people"}])


def waiting(turn, runtime, cast, made: Asset) -> None:
    """A newsletter to one, approved; a campaign's mail to another, planned."""
    draft = shown(made, "News")
    one = issue(turn, runtime, group(turn, "One", cast.raman), draft=draft)
    assert approve(turn, runtime, one, 1) is one
    kept = message(runtime, turn, shown(made, "To you"), kind="drip")
    sources = {"kind": "drip", "source": "campaign", "source_id": 1, "contact_ids": [cast.okafor]}
    outbox.put(turn.session, now=turn.now, world=runtime, message_id=kept.id, step="a", **sources)


def test_mail_that_waits_is_held_when_the_permission_does_not_cover_it(runtime, cast, clock):
    with runtime.turn() as turn:
        made = added(turn, saved(face()))
        waiting(turn, runtime, cast, made)
        narrow = story(turn, cast, scopes=["website"])
        assert assets.tell_client(turn.session, made, authorization_id=narrow.id) is made
    clock.advance(timedelta(seconds=61))
    runner.run_everything(runtime)
    assert to_others(runtime) == []
    with runtime.turn() as turn:
        found = turn.session.execute(select(Delivery.contact_id, Delivery.state, Delivery.reason)).all()
        assert {tuple(row) for row in found} == {
            (cast.raman, "held", "no-authorization"),
            (cast.okafor, "held", "no-authorization"),
        }


def test_mail_that_waits_leaves_under_a_permission_that_covers_it(runtime, cast, clock):
    with runtime.turn() as turn:
        made = added(turn, saved(face()))
        waiting(turn, runtime, cast, made)
        wide = story(turn, cast, scopes=["newsletter-providers", "email-providers"])
        assert assets.tell_client(turn.session, made, authorization_id=wide.id) is made
    clock.advance(timedelta(seconds=61))
    runner.run_everything(runtime)
    assert sorted(mail.subject for mail in to_others(runtime)) == ["News", "To you"]


def test_messages_older_than_the_picture_are_not_looked_through_and_all_pictures_at_once(runtime, cast, clock):
    with runtime.turn() as turn:
        one, two = added(turn, saved(face())), added(turn, saved(face(8)))
        kept = message(runtime, turn, shown(two, "News"))
        allowed = story(turn, cast)
        asked = []

        def note(_connection, _cursor, statement, *_rest):
            asked.append(statement)

        engine = turn.session.get_bind()
        event.listen(engine, "before_cursor_execute", note)
        try:
            assert holding.hold_kept(turn.session, [one, two], authorization_id=allowed.id) == 1
        finally:
            event.remove(engine, "before_cursor_execute", note)
        assert len([each for each in asked if "FROM message" in each]) == 1
        line = turn.session.scalar(select(MessageAuthorization.line).where(MessageAuthorization.message_id == kept.id))
        assert line == "Picture: “Team”"
        two.added_at = turn.now + timedelta(days=1)
        one.added_at = two.added_at
        assert holding.hold_kept(turn.session, [one, two], authorization_id=allowed.id) == 0
