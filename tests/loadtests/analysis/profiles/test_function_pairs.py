"""The stacks of two versions, for other programs."""

from __future__ import annotations

from loadtests.analysis.profiles.function_pairs import collapsed
from loadtests.model.profiles.functions import CallPath, FunctionProfile
from tests.loadtests.analysis.profiles.function_builders import (
    VIEW,
    function,
    make_profile,
    make_start,
    only,
)


def profile(pairs: int = 4) -> FunctionProfile:
    """Return one in which ``work_0`` takes twice as much in head, and ``new`` is only there."""
    samples = {"base": {0: 50, 1: 50}, "head": {0: 50, 1: 100, 2: 50}}
    starts = [
        make_start(side, pair, counts, cpu_us_per_request=80.0 * sum(counts.values()))
        for pair in range(pairs)
        for side, counts in samples.items()
    ]
    return make_profile(
        starts,
        functions=(VIEW, function(0), only(function(1, name="new"), "head")),
        paths=[
            CallPath(functions=()),
            CallPath(functions=(0, 1), line=1, callee="json dumps"),
            CallPath(functions=(0, 2), line=11),
        ],
    )


def test_the_difference_has_both_times_of_each_stack_in_microseconds() -> None:
    texts = collapsed(profile())

    assert texts["difference.folded"] == (
        "shop/__init__.py index;shop/part0.py new 0 4000\n"
        "shop/__init__.py index;shop/part0.py work_0;json dumps 4000 8000\n"
        "the server and the interpreter 4000 4000\n"
    )


def test_each_version_has_its_own_stacks() -> None:
    texts = collapsed(profile())

    assert texts["base.collapsed"].splitlines()[0].endswith("work_0;json dumps 4000")
    assert len(texts["head.collapsed"].splitlines()) == 3


def test_a_profile_that_shows_nothing_has_no_files() -> None:
    assert collapsed(profile(pairs=3)) == {}
    assert collapsed(make_profile((), unseen="No right.")) == {}
