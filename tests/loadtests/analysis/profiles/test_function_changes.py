"""Which functions changed: right where one did, and none where nothing did."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from loadtests.analysis.profiles.function_changes import (
    LEVEL,
    TOO_FEW,
    changes_of,
    discoveries,
)
from loadtests.model.profiles.functions import CallPath, Function, FunctionChanges
from tests.loadtests.analysis.profiles.function_builders import (
    COUNT,
    VIEW,
    function,
    make_profile,
    make_start,
    only,
    simulate,
)

PAIRS = range(1, 9)


def test_without_a_change_hardly_any_gate_names_a_function() -> None:
    random = np.random.default_rng(1)

    named = [changes_of(simulate(random)).changed for _ in range(120)]

    # One in a hundred is expected, so more than 6 of 120 are as good as impossible.
    assert sum(map(bool, named)) <= 0.05 * len(named)


def test_five_per_cent_in_one_of_forty_functions_are_named_first_with_their_share() -> None:
    random = np.random.default_rng(2)
    first, right, others = 0, 0, 0

    for case in range(40):
        changed = changes_of(simulate(random, planted=case % COUNT)).changed
        first += bool(changed) and changed[0].name == f"work_{case % COUNT}"
        right += bool(changed) and abs(changed[0].change.estimate - 0.05) <= 0.01
        others += len(changed) > 1

    assert (first, right >= 38, others <= 2) == (40, True, True)


def test_the_interval_of_a_planted_change_has_it_in_19_of_20_gates() -> None:
    random = np.random.default_rng(3)
    covered = 0

    for case in range(60):
        (change, *_) = changes_of(simulate(random, planted=case % COUNT)).functions
        covered += change.change.low <= 0.05 <= change.change.high

    assert covered >= 52


def test_cpu_beside_python_is_no_functions_change() -> None:
    random = np.random.default_rng(4)

    shown = [changes_of(simulate(random, outside=0.2)) for _ in range(30)]

    assert sum(bool(each.changed) for each in shown) <= 1
    assert all(each.whole is not None and each.whole.low > 0.1 for each in shown)


def test_samples_divide_only_the_cpu_outside_of_the_kernel() -> None:
    profile = simulate(np.random.default_rng(8), planted=4)
    starts = tuple(replace(start, user_ratio=0.8) for start in profile.starts)

    whole, user = changes_of(profile), changes_of(replace(profile, starts=starts))

    estimates = [shown.changed[0].change.estimate for shown in (whole, user)]
    assert estimates[1] == pytest.approx(0.8 * estimates[0], abs=1e-4)
    assert whole.changed[0].chance == user.changed[0].chance


def test_less_of_a_function_is_shown_as_less() -> None:
    shown = changes_of(simulate(np.random.default_rng(5), planted=4, ratio=-0.03))

    assert [change.name for change in shown.changed] == ["work_4"]
    assert shown.changed[0].change.high < 0


def test_few_starts_tell_nothing() -> None:
    shown = changes_of(simulate(np.random.default_rng(6), planted=4, pairs=3))

    assert (shown.unseen, shown.functions, shown.pairs) == (TOO_FEW, (), 3)


def test_a_start_that_answered_nothing_is_no_pair() -> None:
    profile = simulate(np.random.default_rng(7), pairs=5)
    silent = make_start("head", 6, {1: 10}, requests=0)
    full = make_start("base", 6, {1: 10})

    shown = changes_of(make_profile((*profile.starts, full, silent)))

    assert shown.pairs == 5


def test_what_could_not_be_seen_is_passed_on() -> None:
    assert changes_of(make_profile((), unseen="No right.")).unseen == "No right."


def changes_with(
    *extra: Function, base: dict[int, int], head: dict[int, int], paths: list[CallPath]
) -> FunctionChanges:
    """Compare starts that all have the same samples, in the view, in work_0 and in ``extra``."""
    starts = [
        make_start(side, pair, counts, cpu_us_per_request=80.0 * sum(counts.values()))
        for pair in PAIRS
        for side, counts in (("base", base), ("head", head))
    ]
    return changes_of(make_profile(starts, functions=(VIEW, function(0), *extra), paths=paths))


def test_a_function_that_only_head_has_counts_for_its_caller() -> None:
    shown = changes_with(
        only(function(1, name="normalise"), "head"),
        base={0: 100, 1: 100},
        head={0: 100, 1: 100, 2: 60},
        paths=[
            CallPath(functions=(0,), line=5),
            CallPath(functions=(0, 1), line=2),
            CallPath(functions=(0, 1, 2), line=9),
        ],
    )

    (change,) = shown.changed
    assert (change.name, change.new_callees, change.gone_callees) == ("work_0", ("normalise",), ())
    assert change.change.estimate == pytest.approx(0.3)


def test_code_that_moved_into_a_new_function_has_not_changed() -> None:
    shown = changes_with(
        only(function(1, name="helper"), "head"),
        base={0: 100, 1: 100},
        head={0: 100, 1: 20, 2: 80},
        paths=[
            CallPath(functions=(0,), line=5),
            CallPath(functions=(0, 1), line=2),
            CallPath(functions=(0, 1, 2), line=9),
        ],
    )

    assert shown.changed == ()


def test_a_function_that_both_have_keeps_its_time_below_a_new_one() -> None:
    shown = changes_with(
        only(function(1, name="helper"), "head"),
        function(2),
        base={0: 100, 1: 100, 3: 50},
        head={0: 100, 1: 100, 4: 150},
        paths=[
            CallPath(functions=(0,), line=5),
            CallPath(functions=(0, 1), line=2),
            CallPath(functions=(0, 1, 2), line=9),
            CallPath(functions=(0, 1, 3), line=21),
            CallPath(functions=(0, 1, 2, 3), line=21),
        ],
    )

    assert [change.name for change in shown.changed] == ["work_2"]


def test_the_line_is_the_one_that_grew_and_the_callee_what_grew_in_it() -> None:
    shown = changes_with(
        base={0: 100, 1: 100},
        head={0: 100, 1: 100, 2: 40},
        paths=[
            CallPath(functions=(0,), line=5),
            CallPath(functions=(0, 1), line=2),
            CallPath(functions=(0, 1), line=4, callee="json dumps"),
        ],
    )

    (change,) = shown.changed
    assert (str(change), change.callee) == ("/srv/shop/part0.py:4 work_0", "json dumps")
    assert (change.base_us, change.head_us) == (8000.0, 11200.0)


def test_a_change_below_half_a_per_cent_is_not_named_however_sure() -> None:
    shown = changes_with(
        base={0: 100_000, 1: 100_000},
        head={0: 100_000, 1: 100_800},
        paths=[CallPath(functions=(0,), line=5), CallPath(functions=(0, 1), line=2)],
    )

    assert shown.changed == ()


def test_discoveries_are_those_of_benjamini_and_hochberg() -> None:
    # Benjamini and Hochberg (1995), table 1 at q = 0.05: the first four.
    chances = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    chances += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]

    assert discoveries(dict(enumerate(chances)), 0.05) == {0, 1, 2, 3}
    assert discoveries({}, LEVEL) == set()


def changes_of_renamed(head: dict[int, int], *, new: int = 1) -> FunctionChanges:
    """Compare versions in which the framework calls functions that only one of them has."""
    return changes_with(
        only(function(1, name="cart"), "base"),
        *[only(function(2 + number, name=f"basket_{number}"), "head") for number in range(new)],
        base={0: 100, 1: 100},
        head=head,
        paths=[
            CallPath(functions=(0,), line=5),
            CallPath(functions=(2,), line=9),
            *[CallPath(functions=(3 + number,), line=11) for number in range(new)],
        ],
    )


def test_a_function_that_was_renamed_has_not_changed() -> None:
    assert changes_of_renamed({0: 100, 2: 100}).changed == ()


def test_a_function_that_was_divided_has_not_changed() -> None:
    assert changes_of_renamed({0: 100, 2: 60, 3: 40}, new=2).changed == ()


def test_a_function_that_head_has_not_is_at_a_line_of_base_alone() -> None:
    gone = only(function(1, name="cart", line=0, base_line=4), "base")
    paths = [CallPath(functions=(0,), line=5), CallPath(functions=(2,), line=9)]

    (change,) = changes_with(gone, base={0: 100, 1: 100}, head={0: 100}, paths=paths).changed

    assert (change.name, change.line, change.base_line) == ("cart", 0, 4)


def test_renamed_code_that_costs_more_is_named_as_a_whole_with_its_functions() -> None:
    (change,) = changes_of_renamed({0: 100, 2: 160}).changed

    assert (str(change), change.file, change.line) == ("code that only one version has", "", 0)
    assert (change.new_callees, change.gone_callees) == (("basket_0",), ("cart",))
    assert change.change.estimate == pytest.approx(0.3)
    assert (change.base_us, change.head_us) == (8000.0, 12800.0)


def test_new_code_that_the_framework_calls_is_named_with_its_line() -> None:
    shown = changes_with(
        only(function(1, name="measure_all"), "head"),
        base={0: 100},
        head={0: 100, 1: 60},
        paths=[CallPath(functions=(0,), line=5), CallPath(functions=(2,), line=9)],
    )

    (change,) = shown.changed
    assert (change.name, change.line, change.new_callees) == ("measure_all", 9, ())
