"""Starts the application's processes of a scene fast: `python -m tests.chaos.nursery`.

The application is imported once here; each order (one JSON line on standard input) forks one real process that can be
killed, stopped and waited for like any other. Answers are one JSON line each: {"pid"} for a start, {"code"} for a wait
(None when it still runs after the given seconds).
"""

import ctypes
import gc
import json
import os
import signal
import sys
import time
import traceback
from typing import Any

from sqlalchemy.orm import configure_mappers

from tests.chaos import worker

DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux: nothing outlives the suite."""


def main() -> None:
    """Serve orders until standard input ends."""
    configure_mappers()
    gc.freeze()
    print(json.dumps({"pid": os.getpid()}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        answer = {"code": _wait(order["wait"], order["seconds"])} if "wait" in order else {"pid": _start(order)}
        print(json.dumps(answer), flush=True)


def _start(order: dict[str, Any]) -> int:
    # A child that is asked to stop before it can listen hears of it as soon as it does (`worker.listen`).
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        return pid
    code = 1
    try:
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        worker.JOBS[order["job"]](order)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait(pid: int, seconds: float) -> int | None:
    until = time.perf_counter() + seconds
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.perf_counter() > until:
            return None
        time.sleep(0.01)


if __name__ == "__main__":
    main()
