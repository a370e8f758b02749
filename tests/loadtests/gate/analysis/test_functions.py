"""What a gate says of functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loadtests.gate.analysis import functions
from loadtests.gate.model.evidence import Evidence
from loadtests.model.profiles.functions import FunctionChange, FunctionChanges
from loadtests.model.profiles.results import Span
from tests.loadtests.analysis.profiles.function_builders import simulate
from tests.loadtests.gate.builders import make_evidence, make_gate_plan

WHOLE = Span(estimate=0.051, low=0.04, high=0.062)


def change(**changed: Any) -> FunctionChange:
    given: dict[str, Any] = {
        "file": "/srv/shop/search.py",
        "line": 31,
        "name": "rank",
        "checkout": "shop/search.py",
        "base_us": 100.0,
        "head_us": 330.0,
        "change": Span(estimate=0.046, low=0.042, high=0.05),
        "chance": 1e-8,
        "is_changed": True,
    }
    return FunctionChange(**{**given, **changed})


def changes(*found: FunctionChange, **changed: Any) -> FunctionChanges:
    given: dict[str, Any] = {
        "worker": "gthread",
        "pairs": 12,
        "tested": 40,
        "whole": WHOLE,
        "functions": found,
        "visible_ratio": 0.012,
    }
    return FunctionChanges(**{**given, **changed})


def test_a_function_is_named_with_its_part_of_the_change() -> None:
    assert functions.sentence(changes(change(new_callees=("normalise",)))) == (
        "+5.1 % [+4.0, +6.2] CPU per request, of which +4.6 [+4.2, +5.0] in"
        " shop/search.py:31 rank (new callee normalise)."
    )


def test_without_a_named_function_the_smallest_visible_change_is_said() -> None:
    same = changes(whole=Span(estimate=0.002, low=-0.01, high=0.014))

    assert functions.sentence(same) == (
        "+0.2 % [−1.0, +1.4] CPU per request; of 40 functions, none is shown to have changed by"
        " more than 1.2 % of it."
    )


@pytest.mark.parametrize("visible", [None, 1.56])
def test_a_profile_that_could_show_nothing_says_so(visible: float | None) -> None:
    told = functions.sentence(changes(visible_ratio=visible))

    assert "differ too much to show a change in one function" in told


def test_a_change_that_is_in_no_function_is_said_to_be_elsewhere() -> None:
    assert "outside of them" in functions.sentence(changes())
    assert "outside of them" not in functions.sentence(changes(change()))


def test_of_many_functions_the_largest_are_named() -> None:
    told = functions.sentence(changes(*[change(name=f"f{number}") for number in range(5)]))

    assert ("f2" in told, "f3" in told, "and 2 more functions" in told) == (True, False, True)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"callee": "json dumps"}, "(in its calls of json dumps)"),
        ({"gone_callees": ("old",)}, "(gone callee old)"),
        ({"new_callees": ("a", "b", "c", "d")}, "(new callees a, b, c …)"),
        ({"checkout": ""}, "in shop/search.py:31 rank"),
        (
            {"checkout": "", "file": "/venv/lib/python3.13/site-packages/flask/app.py"},
            "in flask/app.py:31 rank",
        ),
        (
            {"file": "", "checkout": "", "line": 0, "name": "code that only one version has"}
            | {"new_callees": ("basket",), "gone_callees": ("cart", "pay")},
            "in code that only one version has (new function basket; gone functions cart, pay)",
        ),
        ({"checkout": "shop/cart.html", "line": 0, "name": "root"}, "in shop/cart.html root"),
        ({"line": 0, "base_line": 4}, "in shop/search.py rank at line 4 of base"),
    ],
)
def test_a_change_in_words(changed: dict[str, Any], told: str) -> None:
    assert told in functions.in_words(change(**changed))


def test_what_looking_cost_is_base_against_its_pairs() -> None:
    plan = make_gate_plan()
    profile = simulate(np.random.default_rng(1), planted=3)

    (shown,) = functions.changes(make_evidence(plan, profiles=(profile,)))

    assert shown.cost_ratio is not None
    assert shown.changed[0].name == "work_3"
    assert "work_3" in shown.sentence
    assert functions.changes(Evidence(profiles=(profile,)))[0].cost_ratio is None
