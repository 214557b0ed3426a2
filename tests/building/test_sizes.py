"""Files that can be read in one sitting, functions that can be seen at once."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.building.source import functions, name_of, product, proofs, tree_of

FILE_LINES, TEST_LINES, FUNCTION_LINES = 400, 500, 60
NAMES_THAT_SAY_NOTHING = {"utils", "helpers", "common", "manager", "base", "services"}


def lines_of(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def test_no_file_outgrows_its_subject() -> None:
    sizes = {name_of(path): lines_of(path) for path in product()}
    assert {name: size for name, size in sizes.items() if size > FILE_LINES} == {}


def test_no_test_file_outgrows_its_subject() -> None:
    sizes = {name_of(path): lines_of(path) for path in proofs()}
    assert {name: size for name, size in sizes.items() if size > TEST_LINES} == {}


@pytest.mark.parametrize("where", [product, proofs], ids=["product", "tests"])
def test_no_function_is_longer_than_a_screen(where: Callable[[], list[Path]]) -> None:
    long = {
        f"{name_of(path)}:{node.lineno} {node.name}": size
        for path in where()
        for node in functions(path)
        if (size := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    }
    assert long == {}


def test_every_name_of_a_file_says_what_is_in_it() -> None:
    assert [name_of(path) for path in product() if path.stem in NAMES_THAT_SAY_NOTHING] == []


def test_a_package_opens_with_a_sentence_and_nothing_else() -> None:
    opened = {name_of(path): tree_of(path) for path in product() if path.name == "__init__.py"}
    assert [name for name, tree in opened.items() if len(tree.body) != 1 or not ast.get_docstring(tree)] == []
