"""What the processes of a scene do: the application's own send loop, service, pages and verbs.

Nothing is replaced but the clock (tests.chaos.clock: leases and waits pass faster) and, in the negative controls, the
one rule that is taken away (tests.chaos.sabotage). Where an order names `constants`, these stand in every module that
holds them by that name: a provider that hangs is then given up after one second instead of twenty, and under random
kills a way that is busy is not slowed below 64 mails a second.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from werkzeug.serving import make_server

import outreach.web
from jobs import catalog, on_apscheduler, on_procrastinate
from outreach.commands import holding, working
from outreach.config import Settings
from outreach.db import make_engine
from outreach.deliveries import sending
from outreach.runtime import Runtime, open_runtime
from outreach.schema import load_all
from tests.chaos import furnishing, sabotage
from tests.chaos.clock import SharedClock

Order = dict[str, Any]
IDLE_SECONDS = 0.03
FIRST_STEP, LONGEST_STEP = timedelta(seconds=20), timedelta(hours=1)
LONGEST_DRAIN = timedelta(days=14)
SERVICE_JOBS = ("send", "replay-unsubscribes", "apply-receipts", "release-held")


def settings_of(order: Order) -> Settings:
    """An installation in test mode whose ways out are those that the order names."""
    return Settings(
        mode="test",
        home=Path(order["home"]),
        database_url=order["database"],
        secret_key=furnishing.KEY,
        public_url="https://outreach.cedarlane.example",
        second_factor_required=False,
        **order.get("settings", {}),
    )


def open_scene(order: Order) -> Runtime:
    """The installation of the order, open."""
    logging.basicConfig(level=logging.WARNING, force=True)
    _set_constants(order.get("constants", {}))
    settings = settings_of(order)
    runtime = open_runtime(settings, clock=SharedClock(settings.home / "clock"))
    sabotage.apply(runtime.engine, order.get("without"))
    if "pages" in order:
        sabotage.fill_up(runtime.engine, order["pages"])
    return runtime


def send(order: Order) -> None:
    """The send loop until SIGTERM; at `point` (the `nth` time) the process kills or freezes itself."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    listen()
    runtime = open_scene(order)
    reached = _at(order.get("point"), order.get("nth", 1), order.get("signal", signal.SIGKILL))
    while not stop.is_set():
        try:
            handled = sending.send_due(runtime, stopping=stop.is_set, reached=reached)
        except Exception:
            # As jobs.runner does: one broken tick is logged, the next one looks again.
            logging.exception("A tick failed")
            handled = 0
        if order.get("once") and not handled:
            break
        if not handled:
            stop.wait(IDLE_SECONDS)
    runtime.close()


def listen() -> None:
    """SIGTERM is heard from now on; one that came before is heard at once."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])


def drain(order: Order) -> None:
    """Sends until nothing waits any more, moving the scene's clock forward whenever nothing is due."""
    runtime = open_scene(order)
    clock, moved, step = runtime.clock, timedelta(), FIRST_STEP
    assert isinstance(clock, SharedClock)
    while moved < LONGEST_DRAIN:
        handled = sending.send_due(runtime)
        if not _waiting(runtime):
            break
        # A way that was slowed down gets new tokens with time, one that rests wakes up.
        step = FIRST_STEP if handled else min(step * 2, LONGEST_STEP)
        clock.advance(step)
        moved += step
    runtime.close()


def service(order: Order) -> None:
    """`outreach worker` itself: scheduler, slots and jobs, until SIGTERM; only the jobs that mail needs."""
    _set_constants(order.get("constants", {}))
    kept = [job for job in catalog.CATALOG if job.name in order.get("jobs", SERVICE_JOBS)]
    if "every" in order:
        kept = [replace(job, every=timedelta(seconds=order["every"])) for job in kept]
    on_apscheduler.CATALOG = tuple(kept)
    settings = settings_of(order)
    clock = SharedClock(settings.home / "clock")
    # The tables of a scene are made from the models, without a migration's stamp.
    working.is_current = lambda _: True
    # Called once the service has its own handlers.
    working.open_runtime = lambda *found, **more: listen() or open_runtime(*found, clock=clock, **more)
    working.work(settings)


def web(order: Order) -> None:
    """The pages, on a port that is written to the file `port` in the home."""
    runtime = open_scene(order)
    server = make_server("127.0.0.1", 0, outreach.web.create_app(runtime), threaded=True)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    ready = Path(order["home"]) / "port.new"
    ready.write_text(str(server.port))
    ready.rename(ready.with_name("port"))
    server.serve_forever()


def furnish(order: Order) -> None:
    """Tables, the practice, and `many` people with one message put for each."""
    engine = make_engine(order["database"])
    sabotage.unkey(order.get("without"))
    load_all().metadata.create_all(engine)
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            on_procrastinate.apply_schema(connection)
    if order.get("without") == "fence":
        sabotage.let_states_jump(engine)
    engine.dispose()
    runtime = open_scene(order)
    furnishing.furnish_and_put(runtime, order["many"], kind=order.get("kind", "drip"))
    runtime.close()


def put_again(order: Order) -> None:
    """One more planner puts the same step for everybody."""
    runtime = open_scene(order)
    furnishing.put_again(runtime, kind=order.get("kind", "drip"))
    runtime.close()


def pause(order: Order) -> None:
    """`outreach pause`."""
    holding.pause(settings_of(order), None)


def resume(order: Order) -> None:
    """`outreach resume`."""
    holding.resume(settings_of(order), None)


def call(order: Order) -> None:
    """A function of `tests.chaos.furnishing` by name, with the open installation."""
    runtime = open_scene(order)
    getattr(furnishing, order["function"])(runtime, *order.get("arguments", ()))
    runtime.close()


JOBS: dict[str, Callable[[Order], None]] = {
    job.__name__: job for job in (send, drain, service, web, furnish, put_again, pause, resume, call)
}


def _at(point: str | None, nth: int, number: int) -> Callable[[str], None]:
    left, lock = [nth], threading.Lock()

    def reached(name: str) -> None:
        if name != point:
            return
        with lock:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), number)

    return reached


def _waiting(runtime: Runtime) -> bool:
    with runtime.turn(write=False) as turn:
        return furnishing.waiting(turn.session) > 0


def _set_constants(constants: dict[str, Any]) -> None:
    for name, value in constants.items():
        holders = [module for key, module in list(sys.modules.items()) if key.startswith("outreach.")]
        holders = [module for module in holders if hasattr(module, name)]
        assert holders, f"no module has {name} any more"
        for module in holders:
            setattr(module, name, value)
