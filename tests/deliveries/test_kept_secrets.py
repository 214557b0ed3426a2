"""Keys of transports lie encrypted; rotating them is whole, repeatable, and survives being cut off anywhere."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from outreach.commands import examining, rotating
from outreach.deliveries.models import TransportState
from outreach.deliveries.ways import kept_secrets
from outreach.deliveries.ways.transport_models import TransportSetting
from outreach.errors import OutreachError, SettingsError
from outreach.practice.models import KeptSecret

CANARY = "canary-Zq81-password"


def keep(runtime, name="smtp.password", plain=CANARY, settings=None):
    with runtime.turn() as turn:
        kept_secrets.keep(turn.session, settings or runtime.settings, name, plain, now=turn.now, by_id=2)


def read(runtime, settings=None, *names):
    with runtime.turn(write=False) as turn:
        return kept_secrets.opened(turn.session, settings or runtime.settings, names or ["smtp.password"])


def key_ids(runtime):
    with runtime.turn(write=False) as turn:
        return list(turn.session.scalars(select(KeptSecret.key_id).order_by(KeptSecret.name)))


def test_a_secret_comes_back_and_is_nowhere_in_the_database(runtime):
    keep(runtime)
    assert read(runtime) == {"smtp.password": CANARY}
    with runtime.turn(write=False) as turn:
        row = turn.session.get_one(KeptSecret, "smtp.password")
        assert (row.set_by_id, row.set_at) == (2, turn.now)
        assert CANARY.encode() not in row.sealed
    for file in runtime.settings.home.rglob("outreach.db*"):
        assert CANARY.encode() not in file.read_bytes()


def test_a_row_that_was_altered_or_exchanged_does_not_open(runtime):
    keep(runtime)
    keep(runtime, "sendgrid.key", "SG.other")
    with runtime.turn() as turn:
        one, other = (turn.session.get_one(KeptSecret, name) for name in ("smtp.password", "sendgrid.key"))
        one.sealed, other.sealed = other.sealed, one.sealed[:-1] + bytes([one.sealed[-1] ^ 1])
    assert read(runtime, None, "smtp.password", "sendgrid.key") == {}


def test_another_installations_key_does_not_open_it(runtime):
    keep(runtime)
    assert read(runtime, replace(runtime.settings, secret_key=b"z" * 64)) == {}


def test_rotating_seals_everything_anew_and_drops_the_old_key(runtime):
    keep(runtime)
    keep(runtime, "sendgrid.key", "SG.one")
    before = key_ids(runtime)
    assert "2 kept keys were encrypted anew" in rotating.rotate(runtime.settings)
    first = key_ids(runtime)
    assert len(set(first)) == 1
    assert set(first).isdisjoint(before)
    assert "2 kept keys" in rotating.rotate(runtime.settings)
    assert set(key_ids(runtime)).isdisjoint({*first, *before})
    assert read(runtime) == {"smtp.password": CANARY}
    assert kept_secrets.data_keys(runtime.settings.home) == 1
    assert (runtime.settings.home / kept_secrets.FILE).stat().st_mode & 0o077 == 0


class Cut(Exception):
    """The power failed."""


@pytest.mark.parametrize("point", ["new-key", "sealed"])
def test_a_rotation_that_is_cut_off_loses_nothing_and_is_finished_later(runtime, point):
    keep(runtime)
    rotating.rotate(runtime.settings)

    def reached(name):
        if name == point:
            raise Cut

    with pytest.raises(Cut):
        rotating.rotate(runtime.settings, reached=reached)
    assert read(runtime) == {"smtp.password": CANARY}
    assert "was cut off is finished" in rotating.rotate(runtime.settings)
    assert read(runtime) == {"smtp.password": CANARY}
    assert kept_secrets.data_keys(runtime.settings.home) == 1


def test_two_rotations_at_once_do_not_drop_each_others_key(runtime):
    keep(runtime)

    def meanwhile(point):
        if point == "new-key":
            with pytest.raises(SettingsError, match="Another rotation"):
                rotating.rotate(runtime.settings)

    assert "1 kept key was" in rotating.rotate(runtime.settings, reached=meanwhile)
    assert read(runtime) == {"smtp.password": CANARY}
    assert "1 kept key was" in rotating.rotate(runtime.settings)


def test_keys_from_outside_the_first_seals_and_the_others_open(runtime):
    old, new = b"o" * 40, b"n" * 40
    keep(runtime, settings=replace(runtime.settings, secrets_keys=(old,)))
    both = replace(runtime.settings, secrets_keys=(new, old))
    assert "1 kept key was" in rotating.rotate(both)
    assert "0 kept keys were" in rotating.rotate(both)
    assert read(runtime, replace(runtime.settings, secrets_keys=(new,))) == {"smtp.password": CANARY}
    assert kept_secrets.data_keys(runtime.settings.home) == 0


def test_nothing_kept_means_nothing_to_do(runtime):
    assert "nothing to encrypt" in rotating.rotate(runtime.settings)
    assert kept_secrets.data_keys(runtime.settings.home) == 0


def test_what_no_key_opens_is_named_and_no_key_is_dropped(runtime):
    keep(runtime)
    keep(runtime, "sendgrid.key", "SG.one", settings=replace(runtime.settings, secret_key=b"z" * 64))
    with pytest.raises(OutreachError, match=r"sendgrid\.key"):
        rotating.rotate(runtime.settings)
    assert read(runtime) == {"smtp.password": CANARY}


def test_a_damaged_key_file_is_named(runtime):
    (runtime.settings.home / kept_secrets.FILE).write_text("short\n")
    with pytest.raises(SettingsError, match="damaged"):
        keep(runtime)


def test_the_doctor_says_what_to_do_about_a_refused_way_and_a_key_that_no_key_opens(runtime):
    with runtime.turn() as turn:
        turn.session.add(TransportState(name="smtp", paused_at=turn.now, paused_why="535 5.7.8 no"))
        turn.session.add(TransportSetting(name="sendgrid", facts={}, revision="1", changed_at=turn.now))
    keep(runtime, "sendgrid.key", CANARY, settings=replace(runtime.settings, secret_key=b"z" * 64))
    with runtime.turn(write=False) as turn:
        said = "\n".join(words for _, words in examining._mail(turn.session, runtime.settings))
    assert "user or password is not accepted" in said
    assert "The kept key of sendgrid cannot be read" in said
    assert CANARY not in said
