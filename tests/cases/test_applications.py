"""The applications of the rows are as small as they can be."""

from __future__ import annotations

import pytest

from tests.cases import applications

MOST_LINES = 15

TEXTS = {name: value for name, value in vars(applications).items() if name.isupper()}


@pytest.mark.parametrize("name", TEXTS)
def test_each_has_at_most_fifteen_lines(name: str) -> None:
    assert 0 < len(TEXTS[name].splitlines()) <= MOST_LINES
