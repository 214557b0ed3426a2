"""Whatever is broken, a wish to get no more mail is not lost and not refused."""

import errno
import json
import os
import re
import sqlite3
from contextlib import contextmanager
from time import perf_counter

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from outreach.contacts.consent import Suppression
from outreach.db import BUSY_TIMEOUT_MS
from outreach.deliveries import optouts, sending, spooling
from outreach.practice import limiting
from tests.deliveries.posting import memory, put, send, states, without_limits

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def mail(runtime, cast):
    """What Dr. Raman got."""
    put(runtime, cast.raman)
    send(runtime)
    return memory(runtime).sent[0]


def path(url):
    return url.removeprefix("https://outreach.cedarlane.example")


def suppressions(runtime):
    with runtime.turn(write=False) as turn:
        return {s.topic: s for s in turn.session.scalars(select(Suppression).where(Suppression.lifted_at.is_(None)))}


@contextmanager
def somebody_writes(runtime):
    """A frozen writer holds the write lock of SQLite."""
    other = sqlite3.connect(runtime.engine.url.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


def only_sqlite(runtime):
    if "postgresql" in runtime.settings.database_url:
        pytest.skip("PostgreSQL locks rows, not the whole database")


def test_while_a_writer_is_frozen_the_answer_comes_soon_and_the_wish_is_kept(runtime, visitor, mail):
    only_sqlite(runtime)
    url = path(mail.list_unsubscribe_url)
    with somebody_writes(runtime):
        begun = perf_counter()
        answer = visitor.post(url, data=ONE_CLICK)
        took = perf_counter() - begun
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)
    assert took < BUSY_TIMEOUT_MS / 1000
    assert suppressions(runtime) == {}
    assert optouts.replay_spooled(runtime) == 1
    assert suppressions(runtime)["all"].source == "one-click"
    assert optouts.replay_spooled(runtime) == 0


def test_while_a_writer_is_frozen_a_wrong_link_is_still_unknown(runtime, visitor, mail):
    only_sqlite(runtime)
    with somebody_writes(runtime):
        assert visitor.post(path(mail.list_unsubscribe_url)[:-1] + "x", data=ONE_CLICK).status_code == 404
    assert spooling.spooled(runtime.settings.home) == []


def test_while_a_writer_is_frozen_the_preferences_page_asks_to_come_back(runtime, cast, visitor, mail):
    only_sqlite(runtime)
    from outreach import tokens

    url = "/p/" + tokens.derive(runtime.key, "unsubscribe", cast.raman)
    page = visitor.get(url).get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
    with somebody_writes(runtime):
        begun = perf_counter()
        answer = visitor.post(url, data={"stop": "1", "csrf_token": token})
        took = perf_counter() - begun
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "15"
    assert took < BUSY_TIMEOUT_MS / 1000


def test_with_the_whole_database_away_the_wish_is_kept(runtime, visitor, mail, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("BEGIN", {}, Exception("gone"))

    with monkeypatch.context() as patched:
        patched.setattr(optouts, "recipient", away)
        assert visitor.post(path(mail.list_unsubscribe_url), data=ONE_CLICK).status_code == 200
        assert visitor.post(path(mail.list_unsubscribe_url)).status_code == 303
    assert len(spooling.spooled(runtime.settings.home)) == 2
    assert optouts.replay_spooled(runtime) == 2
    assert "all" in suppressions(runtime)


def test_nothing_is_promised_when_neither_database_nor_disk_take_it(runtime, visitor, mail, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("BEGIN", {}, Exception("gone"))

    def broken(*args, **kwargs):
        raise OSError(errno.EIO, "broken disk")

    monkeypatch.setattr(optouts, "recipient", away)
    monkeypatch.setattr(spooling, "_write", broken)
    answer = visitor.post(path(mail.list_unsubscribe_url), data=ONE_CLICK)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"


def test_a_full_disk_gives_up_its_ballast_for_wishes(tmp_path, monkeypatch, clock):
    spooling.keep_room(tmp_path)
    ballast = tmp_path / spooling.SPOOL / spooling.BALLAST
    assert ballast.stat().st_size == spooling.BALLAST_BYTES
    write = spooling._write

    def full(folder, name, line):
        if ballast.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(folder, name, line)

    monkeypatch.setattr(spooling, "_write", full)
    spooling.spool(tmp_path, now=clock.now(), token="t", number="1")
    assert len(spooling.spooled(tmp_path)) == 1
    assert not ballast.exists()


def test_garbage_in_the_spool_is_put_aside_and_stops_nothing(runtime, mail, clock):
    home = runtime.settings.home
    number, token = path(mail.list_unsubscribe_url).split("/")[2:]
    spooling.spool(home, now=clock.now(), token=token, number=number)
    folder = home / spooling.SPOOL
    garbage = [b"", b"{", b"[]", b"null", b"\xff\xfe", b"x" * 100_000, b'{"token": 1}', b'{"source": "x"}']
    garbage.append(json.dumps({"token": "a", "number": "b", "source": "evil"}).encode())
    for index, content in enumerate(garbage):
        (folder / f"0garbage{index}").write_bytes(content)
    (folder / "a-folder").mkdir()
    assert optouts.replay_spooled(runtime) == 1
    assert "all" in suppressions(runtime)
    assert spooling.spooled(home) == []
    assert len(list((folder / spooling.ASIDE).iterdir())) == len(garbage)


def test_a_replay_that_is_cut_off_is_begun_again(runtime, mail, clock, monkeypatch):
    number, token = path(mail.list_unsubscribe_url).split("/")[2:]
    spooling.spool(runtime.settings.home, now=clock.now(), token=token, number=number)
    with monkeypatch.context() as patched:
        patched.setattr(spooling, "forget", lambda wishes: None)
        assert optouts.replay_spooled(runtime) == 1
    assert optouts.replay_spooled(runtime) == 1
    assert spooling.spooled(runtime.settings.home) == []


def test_a_wish_that_comes_while_others_are_replayed_is_not_lost(runtime, mail, clock):
    home = runtime.settings.home
    number, token = path(mail.list_unsubscribe_url).split("/")[2:]
    spooling.spool(home, now=clock.now(), token="unknown", number="1")
    [first] = spooling.batches(home)
    spooling.spool(home, now=clock.now(), token=token, number=number)
    spooling.forget(first)
    assert optouts.replay_spooled(runtime) == 1
    assert "all" in suppressions(runtime)


def test_who_asks_too_often_waits_but_never_with_an_unsubscribe(runtime, visitor, mail, clock):
    url = path(mail.list_unsubscribe_url)
    with runtime.turn() as turn:
        limiting.add(turn.session, limiting.key_of("127.0.0.1"), limiting.MOST, now=clock.now())
    answer = visitor.get(url)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 600
    assert visitor.post(url, data=ONE_CLICK).status_code == 200
    assert suppressions(runtime) == {}
    assert optouts.replay_spooled(runtime) == 1
    assert "all" in suppressions(runtime)


def test_guessing_at_links_ends_and_a_scanner_that_opens_real_ones_goes_on(runtime, visitor, mail, clock):
    url = path(mail.list_unsubscribe_url)
    assert {visitor.get(url).status_code for _ in range(150)} == {200}
    guesses = [visitor.get(f"/u/1/{number:022d}").status_code for number in range(80)]
    assert guesses.count(404) in range(50, 61)
    assert guesses[-1] == 429
    with runtime.turn(write=False) as turn:
        assert limiting.spent(turn.session, limiting.key_of("127.0.0.1"), now=clock.now()) >= limiting.MOST


def test_what_was_counted_is_shared_by_all_processes_and_forgotten_later(runtime, clock):
    first, second = limiting.Limiter(), limiting.Limiter()
    assert first.count("203.0.113.9", limiting.MOST)
    with runtime.turn() as turn:
        first.write(turn.session, now=clock.now())

    def look_up(key):
        with runtime.turn(write=False) as turn:
            return limiting.spent(turn.session, key, now=clock.now())

    assert second.must_wait("203.0.113.9", now=clock.now(), look_up=look_up) is not None
    assert second.must_wait("203.0.113.10", now=clock.now(), look_up=look_up) is None
    clock.advance(limiting.WINDOW)
    assert second.must_wait("203.0.113.9", now=clock.now(), look_up=look_up) is None
    clock.advance(limiting.WINDOW * 3)
    with runtime.turn() as turn:
        assert limiting.purge(turn.session, now=clock.now()) == 1


def test_one_ipv6_network_is_one_address():
    assert limiting.key_of("2001:db8::1") == limiting.key_of("2001:db8::ffff")
    assert limiting.key_of("2001:db8::1") != limiting.key_of("2001:db8:0:1::1")
    assert limiting.key_of("not an address")


def test_a_wish_between_claim_and_fence_stops_what_was_claimed(runtime, cast, visitor, mail):
    without_limits(runtime)
    put(runtime, cast.raman, step="2")
    pressed = []

    def reached(point):
        if point == "claimed" and not pressed:
            pressed.append(visitor.post(path(mail.list_unsubscribe_url), data=ONE_CLICK).status_code)

    sending.send_due(runtime, reached=reached)
    assert pressed == [200]
    assert len(memory(runtime).sent) == 1
    assert states(runtime) == {"sent": 1, "suppressed": 1}


def test_the_same_wish_pressed_a_thousand_times_is_one_file(runtime, mail):
    number, token = path(mail.list_unsubscribe_url).split("/")[2:]
    for each in range(30):
        assert optouts.stop_soon(runtime, token=token, number=f"{each}zz", source="one-click", at_once=False)
        assert optouts.stop_soon(runtime, token=token, number=number, source="one-click", at_once=False)
    assert len(spooling.spooled(runtime.settings.home)) == 1
    assert optouts.replay_spooled(runtime) == 1


def test_a_flood_that_nobody_can_look_up_is_bounded_and_refuses_nobody_else(runtime, mail, monkeypatch):
    number, token = path(mail.list_unsubscribe_url).split("/")[2:]
    home = runtime.settings.home
    monkeypatch.setattr(spooling, "MANY", 5)

    @contextmanager
    def away(**how):
        raise OperationalError("SELECT", {}, Exception("database is away"))
        yield

    with monkeypatch.context() as patched:
        patched.setattr(runtime, "turn", away)
        for each in range(5):
            assert optouts.stop_soon(runtime, token=f"t{each}", number="1", source="one-click", at_once=False)
        with pytest.raises(OSError, match="nobody can look up"):
            optouts.stop_soon(runtime, token="t9", number="1", source="one-click", at_once=False)
        assert optouts.stop_soon(runtime, token=token, number=number, source="one-click")
    assert len(spooling.spooled(home)) == 6
    assert optouts.stop_soon(runtime, token=token, number=number, source="page", at_once=False), "a link that is known"
    assert optouts.replay_spooled(runtime) == 2
