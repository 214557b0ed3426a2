"""Every act of a person leaves a line in the audit log: each unsafe view records, or calls what does."""

import ast

from tests.building.source import dotted, name_of, product, tree_of

WITHOUT_RECORD: dict[str, str] = {
    "preview": "shows what was typed and keeps nothing",
    "choose": "shows what can be done with those who are ticked",
}
"""Views that act on nothing, with the reason."""


def takes_unsafe(node: ast.FunctionDef) -> bool:
    for decorator in node.decorator_list:
        if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
            continue
        if decorator.func.attr in ("post", "put", "patch", "delete"):
            return True
        methods = next((word.value for word in decorator.keywords if word.arg == "methods"), None)
        if (
            decorator.func.attr == "route"
            and methods is not None
            and {"POST", "PUT", "DELETE"} & set(ast.literal_eval(methods))
        ):
            return True
    return False


def records(node: ast.FunctionDef, module: dict[str, ast.FunctionDef], seen: frozenset[str] = frozenset()) -> bool:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and dotted(inner.func) in ("screen.record", "audit.record", "record"):
            return True
        name = inner.id if isinstance(inner, ast.Name) else ""
        known = name in module and name not in seen and name != node.name
        if known and records(module[name], module, seen | {name}):
            return True
    return False


def test_every_unsafe_view_of_a_room_records_who_did_what() -> None:
    silent = []
    for path in product():
        if "views" not in path.stem.split("_"):
            continue
        module = {node.name: node for node in tree_of(path).body if isinstance(node, ast.FunctionDef)}
        for node in module.values():
            if takes_unsafe(node) and node.name not in WITHOUT_RECORD and not records(node, module):
                silent.append(f"{name_of(path)}:{node.lineno} {node.name}")
    assert silent == []
