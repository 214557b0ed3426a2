"""A practice with two years of history, made once and copied by the tests that start from it."""

from pathlib import Path

import pytest

from tests.today.believable import build


@pytest.fixture(scope="session")
def believable_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file that tests copy in place of the empty one."""
    return build(tmp_path_factory.mktemp("believable"))
