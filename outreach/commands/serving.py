"""The web part: gunicorn over the application, on a socket that was opened before anything else was started."""

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication

from outreach.commands.parting import stop_with_parent
from outreach.config import Settings
from outreach.errors import SettingsError

PROCESSES, THREADS = 2, 4
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - gunicorn's heartbeat files, away from slow disks


def open_door(settings: Settings) -> socket.socket:
    """The listening socket. Refusals: SettingsError with one sentence when the port cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=256)
    except (OSError, OverflowError) as broken:
        raise SettingsError(_why(settings, getattr(broken, "errno", None))) from broken


def _why(settings: Settings, code: int | None) -> str:
    if code == errno.EADDRINUSE:
        return f"Port {settings.port} is taken by another program. Stop it, or choose another with OUTREACH_PORT."
    if code == errno.EACCES:
        return f"Port {settings.port} may only be used by the system. Choose one above 1023 with OUTREACH_PORT."
    return f"{settings.host} is not an address of this machine. Choose another with OUTREACH_HOST."


def serve(settings: Settings, door: socket.socket, *, with_worker: bool = False) -> None:
    """Serves until SIGTERM; requests in progress are finished.

    `with_worker` is for a small machine: one web process, and a worker beside it that ends with it.
    """
    os.set_inheritable(door.fileno(), True)
    if not with_worker:
        _Server(settings, f"fd://{door.fileno()}").run()
        return
    reading, writing = os.pipe()
    worker = subprocess.Popen(
        [sys.executable, "-m", "outreach.cli", "worker"],
        env={
            **os.environ,
            "OUTREACH_MODE": settings.mode,
            "OUTREACH_HOME": str(settings.home),
            "OUTREACH_PARENT_PIPE": str(reading),
        },
        pass_fds=[reading],
        start_new_session=True,
    )
    os.close(reading)
    try:
        _Server(settings, f"fd://{door.fileno()}", processes=1).run()
    finally:
        os.close(writing)
        worker.terminate()
        worker.wait()


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, settings: Settings, bind: str, *, processes: int = PROCESSES) -> None:
        self._settings, self._bind, self._processes = settings, bind, processes
        super().__init__()

    def load_config(self) -> None:
        values: dict[str, Any] = {
            "bind": self._bind,
            "workers": self._processes,
            "threads": THREADS,
            "worker_class": "gthread",
            "worker_tmp_dir": str(SHARED_MEMORY) if SHARED_MEMORY.is_dir() else None,
            "graceful_timeout": 20,
            "loglevel": "warning",
            "control_socket_disable": True,
            "when_ready": lambda _server: stop_with_parent(),
        }
        for name, value in values.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from outreach.runtime import open_runtime
        from outreach.web import create_app

        return create_app(open_runtime(self._settings))
