"""The registry of rows is whole: each row has tests that exist, and a fixture that is small."""

from __future__ import annotations

import ast
from functools import cache

import pytest

from tests.cases.row import Row
from tests.cases.rows import ROWS
from tests.checkout import CHECKOUT

PARTS = {
    "State that does not survive a second replica": 10,
    "The store": 5,
    "Load balancers and Compose files": 7,
    "gunicorn and other servers": 12,
    "Locustfiles": 18,
    "Docker": 8,
}
"""The rows of each part of the collection."""


@cache
def names_of(file: str) -> frozenset[str]:
    """Return the functions, classes and constants of a file."""
    names: set[str] = set()
    for node in ast.parse((CHECKOUT / file).read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return frozenset(names)


def test_every_row_of_every_part_is_there_once() -> None:
    counts = {part: sum(row.part == part for row in ROWS) for part in PARTS}

    assert counts == PARTS
    assert len({row.key for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.key))
def test_a_row_has_tests_and_a_fixture_that_exist(row: Row) -> None:
    assert row.tests
    for test in row.tests:
        file, _, name = test.partition("::")
        assert (CHECKOUT / file).is_file(), test
        assert not name or name.partition("[")[0] in names_of(file), test
    file, _, name = row.fixture.partition("::")
    assert name in names_of(file), row.fixture
