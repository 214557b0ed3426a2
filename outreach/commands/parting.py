"""How a part of the program ends with the process that started it."""

import os
import signal
import threading


def stop_with_parent() -> None:
    """When the parent dies without a word, this process stops too: the pipe it left open then ends."""
    pipe = os.environ.get("OUTREACH_PARENT_PIPE")
    if pipe:
        threading.Thread(target=_wait_for_end, args=(int(pipe),), daemon=True).start()


def _wait_for_end(pipe: int) -> None:
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)
