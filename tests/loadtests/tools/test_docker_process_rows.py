import itertools

import pytest

from loadtests.tools.docker.process_rows import parents_first

INIT, MASTER = ("32766", "31000", "1", "tini"), ("32767", "32766", "1", "gunicorn")
WORKERS = ("301", "32767", "5", "gunicorn"), ("302", "32767", "5", "gunicorn")


@pytest.mark.parametrize("rows", list(itertools.permutations((INIT, MASTER, *WORKERS))))
def test_a_process_comes_before_those_it_started_though_ids_began_anew(
    rows: tuple[tuple[str, ...], ...],
) -> None:
    assert parents_first(rows) == [INIT, MASTER, *WORKERS]


def test_a_process_that_came_from_outside_comes_by_its_id() -> None:
    inside = ("12", "900", "1", "sh")

    assert parents_first([MASTER, WORKERS[0], inside]) == [inside, MASTER, WORKERS[0]]


def test_nothing_is_lost_of_ids_that_are_no_tree() -> None:
    """A process may end, and its id be given anew, while the engine lists them."""
    own = ("7", "7", "1", "a")

    assert parents_first([own]) == [own]
    assert parents_first([]) == []
