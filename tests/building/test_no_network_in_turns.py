"""A turn holds SQLite's write lock: nothing inside one may wait for another machine (reliability C3)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for top in ("outreach", "jobs") for path in (ROOT / top).rglob("*.py"))
HAND_OVER = {"send", "send_many", "urlopen", "create_connection", "getaddrinfo", "sendmail", "send_message", "sendall"}
"""Calls by these names wait for somebody else."""
NETWORK = {"urllib3", "smtplib", "imaplib", "socket", "http.client", "urllib.request", "sendgrid"}
MAY_SPEAK = {
    "outreach/deliveries/transports", "outreach/deliveries/returns/imap_line.py", "outreach/commands/serving.py",
    "outreach/commands/starting.py", "outreach/cli.py", "outreach/bodies.py",
}  # fmt: skip
"""Where the network is spoken: the ways out, the mailbox, the door that listens. None of them opens turns."""
MAY_HAND_OVER = {"outreach/deliveries/sending.py", "outreach/deliveries/handing.py"}
"""The lanes of the sender call transports; their calls stand outside turns, like everybody's."""


def opens_turn(node: ast.AST) -> bool:
    """`with x.turn(...)`, `with Session(...)` and `with x.begin()`."""
    return isinstance(node, ast.With | ast.AsyncWith) and any(
        isinstance(item.context_expr, ast.Call) and _name(item.context_expr) in ("turn", "Session", "begin", "_turn")
        for item in node.items
    )


def spoken_inside(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, name) of each call inside a turn that would wait for the network."""
    for node in ast.walk(tree):
        if not opens_turn(node):
            continue
        for inner in (each for statement in node.body for each in ast.walk(statement)):  # type: ignore[attr-defined]
            if isinstance(inner, ast.Call) and (_name(inner) in HAND_OVER or _root(inner.func) in NETWORK):
                yield inner.lineno, _name(inner)


def imported(tree: ast.AST) -> set[str]:
    """The modules of the network that this file knows."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name for name in found if name in NETWORK or name.partition(".")[0] in NETWORK}


def _name(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _in(path: Path, places: set[str]) -> bool:
    inside = path.relative_to(ROOT).as_posix()
    return any(inside == place or inside.startswith(f"{place}/") for place in places)


def _trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in FILES:
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def test_no_turn_waits_for_the_network() -> None:
    found = [(path.name, *each) for path, tree in _trees() for each in spoken_inside(tree)]
    assert found == []


def test_who_speaks_to_the_network_opens_no_turns_and_nobody_else_speaks_to_it() -> None:
    strangers = [path.name for path, tree in _trees() if imported(tree) and not _in(path, MAY_SPEAK)]
    assert strangers == []
    speakers = [(path, tree) for path, tree in _trees() if _in(path, MAY_SPEAK)]
    assert [path.name for path, tree in speakers if any(map(opens_turn, ast.walk(tree)))] == []


def test_only_the_senders_lanes_hand_mail_over() -> None:
    found = []
    for path, tree in _trees():
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        handed = [call for call in calls if _name(call) in ("send_many", "sendmail", "send_message")]
        handed += [call for call in calls if _name(call) == "send" and _root(call.func) in ("transport", "way")]
        if handed and not _in(path, MAY_HAND_OVER | MAY_SPEAK):
            found.append(path.name)
    assert found == []


@pytest.mark.parametrize("code", [
    "with door.turn() as turn:\n    transport.send(message)",
    "with self._door.turn():\n    if x:\n        way.send_many(messages, go_on=go)",
    "with Session(engine) as session:\n    urllib3.request('GET', url)",
    "with runtime.turn() as a, other:\n    for x in y:\n        smtplib.SMTP('host').quit()",
    "with engine.begin() as c:\n    imaplib.IMAP4_SSL('host')",
])  # fmt: skip
def test_this_test_sees_what_it_looks_for(code: str) -> None:
    assert list(spoken_inside(ast.parse(code)))


def test_a_call_after_the_turn_is_allowed() -> None:
    assert not list(spoken_inside(ast.parse("with door.turn() as t:\n    x = 1\ntransport.send(message)")))
