"""THE table of what runs by itself: name, what it calls, how often, how much at a time. No logic."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from outreach import audit, jobruns
from outreach.campaigns import enrolling, holding, stepping
from outreach.cards import dispatching as card_dispatching
from outreach.cards import editing as card_editing
from outreach.cards import proposing as card_proposing
from outreach.contacts import filing, import_undoing, importing, searching
from outreach.deliveries import backlog, optouts, receipts, releasing, sending, settling
from outreach.deliveries.guards import disk_guard, self_stopping
from outreach.deliveries.returns import imap_reading, inbound
from outreach.enquiries import answering
from outreach.events import calling, following_up, reading_replies, reminding, signing_up, standing_in, telling
from outreach.gifts import new_year
from outreach.newsletters import dispatching, service_news, stopping
from outreach.newsletters import editing as issue_editing
from outreach.newsletters.recurring import drafting as series_drafting
from outreach.practice import audit_checking, limiting, quieting, sessions, throttle
from outreach.referrals import logging as referral_logging
from outreach.referrals import refreshing
from outreach.referrals.duties import owing
from outreach.referrals.emr import emr_running
from outreach.referrals.looking_back import keeping
from outreach.reports.pooling import keeping as keeping_lifts
from outreach.runtime import Runtime
from outreach.screen import Turn
from outreach.today import planning
from outreach.today.digest import sending as digest_sending
from outreach.today.morning import sending as morning_sending

Call = Callable[[Turn, Runtime, int], int]
"""What a tick calls: (turn, runtime, limit) -> how many rows it handled."""


OwnTurns = Callable[[Runtime, Callable[[], bool]], int]
"""What opens its own turns, because it commits around the network: (runtime, stopping) -> how many it handled."""


@dataclass(frozen=True)
class Job:
    """One line of the table. `batch` is the limit given to the call; a full batch is repeated at once."""

    name: str
    call: Call | None
    every: timedelta
    batch: int = 200
    own_turns: OwnTurns | None = None
    """Instead of `call`."""
    plans: bool = False
    """Makes rows for what is to be sent: waits while the disk is nearly full, and tells the senders in its own turn."""
    waiting: Callable[[Turn], int] | None = None
    """How much waits now. With it, the tick tells as many workers as that needs, where there are several."""


def minutes(count: float) -> timedelta:
    """A duration, said shortly."""
    return timedelta(minutes=count)


CATALOG: tuple[Job, ...] = (
    Job("refresh-yield", None, minutes(2), own_turns=lambda run, stopping: refreshing.refresh_due(run, stopping)),
    Job("look-back", None, minutes(60 * 24), own_turns=lambda run, stopping: keeping.monthly(run, stopping)),
    Job("seal-audit", lambda turn, run, limit: audit.seal(turn.session, now=turn.now, limit=limit), minutes(5), 500),
    Job(
        audit_checking.NIGHTLY,
        None,
        minutes(60 * 24),
        own_turns=lambda run, stopping: audit_checking.check_all(run, stopping),
    ),
    Job(
        "measure-lift",
        lambda turn, run, limit: keeping_lifts.keep_lifts(turn.session, now=turn.now),
        minutes(30),
        10**9,
    ),
    Job("plan-today", lambda turn, run, limit: planning.keep_plan(turn.session, now=turn.now), minutes(5), 10**9),
    Job(
        "monday-digest",
        lambda turn, run, limit: digest_sending.send_digest(turn.session, now=turn.now, world=run),
        minutes(15),
        10**9,
        plans=True,
    ),
    Job(
        "morning-plan",
        lambda turn, run, limit: morning_sending.send_plans(turn.session, now=turn.now, world=run),
        minutes(5),
        10**9,
        plans=True,
    ),
    Job("purge-day-plans", lambda turn, run, limit: planning.purge_plans(turn.session, now=turn.now), minutes(60 * 24)),
    Job(
        "freeze-holidays",
        lambda turn, run, limit: quieting.keep_frozen(turn.session, now=turn.now),
        minutes(60 * 24),
        10**9,
    ),
    Job(
        "ask-for-limit",
        lambda turn, run, limit: new_year.ask_for_limit(turn.session, now=turn.now),
        minutes(60 * 12),
        10**9,
    ),
    Job(
        "purge-sessions", lambda turn, run, limit: sessions.purge(turn.session, now=run.clock.now()), minutes(15), 10**9
    ),
    Job("purge-failures", lambda turn, run, limit: throttle.purge(turn.session, now=turn.now), minutes(15), 10**9),
    Job(
        "purge-public-use",
        lambda turn, run, limit: limiting.purge(turn.session, now=run.clock.now()),
        minutes(15),
        10**9,
    ),
    Job("purge-job-runs", lambda turn, run, limit: jobruns.purge(turn.session, now=turn.now), minutes(60 * 24)),
    Job(
        "import-contacts",
        lambda turn, run, limit: importing.work(
            turn.session, now=turn.now, key=run.key, home=run.settings.home, limit=limit
        ),
        minutes(0.05),
        5000,
        plans=True,
    ),
    Job(
        "import-referrals",
        lambda turn, run, limit: emr_running.work(
            turn.session, now=turn.now, home=run.settings.home, key=run.key, limit=limit
        ),
        minutes(0.05),
        500,
    ),
    Job("index-search", lambda turn, run, limit: searching.keep(turn.session, limit=limit), minutes(0.2), 2000),
    Job(
        "index-further-places",
        lambda turn, run, limit: searching.note_further(turn.session, limit=limit),
        minutes(60 * 24),
        5000,
    ),
    Job(
        "owe-reports",
        lambda turn, run, limit: owing.owe_lacking(turn.session, now=turn.now, limit=limit),
        minutes(60 * 24),
        500,
    ),
    Job(
        "purge-referrals",
        lambda turn, run, limit: referral_logging.purge(turn.session, now=turn.now, limit=limit),
        minutes(60),
        500,
    ),
    Job(
        "purge-contacts",
        lambda turn, run, limit: filing.purge(turn.session, now=turn.now, limit=limit),
        minutes(60),
        500,
    ),
    Job("purge-imports", lambda turn, run, limit: import_undoing.purge(turn.session, now=turn.now), minutes(60 * 24)),
    Job(
        "enroll",
        lambda turn, run, limit: enrolling.enroll(turn.session, now=turn.now, world=run, limit=limit),
        minutes(5),
        20_000,
        plans=True,
    ),
    Job("guard-campaigns", lambda turn, run, limit: holding.stop_itself(turn.session, now=turn.now), minutes(10)),
    Job(
        "guard-mail", lambda turn, run, limit: self_stopping.stop_itself(turn.session, now=turn.now), minutes(5), 10**9
    ),
    Job(
        "follow-outbox", lambda turn, run, limit: stopping.follow_outbox(turn.session, now=turn.now), minutes(5), 10**9
    ),
    Job(
        "settle-unconfirmed",
        lambda turn, run, limit: settling.settle_by_policy(turn.session, now=turn.now, world=run, limit=limit),
        minutes(5),
        500,
    ),
    Job(
        "advance",
        lambda turn, run, limit: stepping.tick(turn.session, now=turn.now, world=run, limit=limit),
        minutes(1),
        500,
        plans=True,
    ),
    Job(
        "replay-unsubscribes",
        None,
        minutes(1),
        own_turns=lambda run, ends: optouts.replay_spooled(run),
    ),
    Job(
        "apply-receipts",
        lambda turn, run, limit: receipts.apply(turn.session, now=turn.now, key=run.key, limit=limit),
        minutes(1 / 6),
        500,
    ),
    Job("read-mailbox", None, minutes(1), own_turns=lambda run, stopping: imap_reading.read(run, stopping=stopping)),
    Job(
        "read-inbound-mail",
        lambda turn, run, limit: inbound.work(turn.session, now=turn.now, key=run.key, limit=limit),
        minutes(1 / 4),
        100,
    ),
    Job(
        "release-held",
        lambda turn, run, limit: releasing.release(turn.session, now=turn.now, world=run, limit=limit),
        minutes(1),
        500,
    ),
    Job(
        "dispatch-newsletters",
        lambda turn, run, limit: dispatching.dispatch(turn.session, now=turn.now, world=run, limit=limit),
        minutes(1 / 6),
        50_000,
        plans=True,
    ),
    Job(
        "purge-newsletters",
        lambda turn, run, limit: issue_editing.purge(turn.session, now=turn.now),
        minutes(60 * 24),
    ),
    Job("draft-service-news", lambda turn, run, limit: service_news.draft_news(turn.session, now=turn.now), minutes(5)),
    Job(
        "draft-newsletters",
        lambda turn, run, limit: series_drafting.draft_due(turn.session, now=turn.now),
        minutes(60),
        10**9,
    ),
    Job("purge-enquiries", lambda turn, run, limit: answering.purge(turn.session, now=turn.now), minutes(60 * 24)),
    Job("purge-sign-ups", lambda turn, run, limit: signing_up.purge(turn.session, now=turn.now), minutes(60 * 24)),
    Job(
        "read-event-answers",
        lambda turn, run, limit: reading_replies.read_replies(turn.session, now=turn.now, limit=limit),
        minutes(1 / 2),
        100,
    ),
    Job(
        "remind-events",
        lambda turn, run, limit: reminding.remind(turn.session, now=turn.now, world=run),
        minutes(5),
        plans=True,
    ),
    Job(
        "tell-events",
        lambda turn, run, limit: telling.tell(turn.session, now=turn.now, world=run, limit=limit),
        minutes(1),
        200,
        plans=True,
    ),
    Job(
        "call-unreached",
        lambda turn, run, limit: calling.call_unreached(turn.session, now=turn.now, limit=limit),
        minutes(5),
        200,
    ),
    Job(
        "follow-up-events",
        lambda turn, run, limit: following_up.follow_up(turn.session, now=turn.now, world=run),
        minutes(15),
        plans=True,
    ),
    Job(
        "hand-over",
        lambda turn, run, limit: standing_in.follow(turn.session, now=turn.now, world=run),
        minutes(5),
        10**9,
        plans=True,
    ),
    Job(
        "dispatch-cards",
        lambda turn, run, limit: card_dispatching.dispatch(turn.session, now=turn.now, world=run, limit=limit),
        minutes(1),
        500,
        plans=True,
    ),
    Job(
        "propose-cards",
        lambda turn, run, limit: card_proposing.propose(turn.session, now=turn.now, world=run),
        minutes(60 * 12),
        10**9,
    ),
    Job("purge-cards", lambda turn, run, limit: card_editing.purge(turn.session, now=turn.now), minutes(60 * 24)),
    Job("tidy-announcements", None, minutes(1), own_turns=lambda run, ends: run.dispatcher.tidy()),
    # Sending stays last: what the planners above put into the outbox leaves in the same round.
    Job(
        "send",
        None,
        minutes(1 / 12),
        own_turns=lambda run, ends: sending.send_due(run, stopping=disk_guard.or_low(ends, run.settings)),
        waiting=lambda turn: backlog.due_count(turn.session, now=turn.now),
    ),
)


def job_named(name: str) -> Job:
    """The job of that name. Errors: KeyError when the table has none."""
    return {job.name: job for job in CATALOG}[name]
