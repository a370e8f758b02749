"""What a machine's spreads are, and what they allow to be promised."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from loadtests.gate.analysis import aa_noise
from loadtests.gate.analysis.aa_noise import Spread, promise
from loadtests.gate.analysis.decision import judge, rule_of
from loadtests.gate.model.evidence import Evidence
from loadtests.gate.model.vocabulary import EndpointName, GateVerdict
from loadtests.gate.report import aa_noise_text
from loadtests.model.result import Estimate
from tests.loadtests.gate.builders import make_gate_plan, make_pair

PLAN = make_gate_plan(scaling=False)
NOTHING = Estimate(estimate=0.0, low=0.0, high=0.0)


def spread(window_sd: float, start_sd: float, margin: float = 0.05) -> Spread:
    return Spread(
        endpoint=EndpointName.CPU,
        margin=margin,
        window_sd=window_sd,
        start_sd=start_sd,
        intraclass=0.5,
        offset=NOTHING,
        order=NOTHING,
        drift=NOTHING,
    )


def evidence(window_sd: float, start_sd: float, *, offset: float = 0.0) -> Evidence:
    rng = np.random.default_rng(4)
    own = rng.normal(0, start_sd, 40)
    return Evidence(
        pairs=tuple(
            make_pair(
                PLAN,
                40 * repeat + start + 1,
                change=offset + own[start] + rng.normal(0, window_sd),
                latency=(own[start] + rng.normal(0, window_sd), rng.normal(0, window_sd)),
                base_start=f"base-{start}",
            )
            for repeat in range(3)
            for start in range(40)
        )
    )


def test_windows_and_starts_are_told_apart() -> None:
    found = aa_noise.calibrate(PLAN, evidence(0.01, 0.03)).spreads[1]

    assert found.window_sd == pytest.approx(0.01, rel=0.2)
    assert found.start_sd == pytest.approx(0.03, rel=0.3)
    assert found.intraclass == pytest.approx(0.9, abs=0.08)


def test_starts_that_do_not_differ_have_no_variance() -> None:
    within, between = aa_noise.components({"a": [0.1, -0.1], "b": [0.1, -0.1]})

    assert within == pytest.approx(0.02)
    assert between == 0.0
    assert aa_noise.components({"a": [0.1]}) == (0.0, 0.0)


def test_a_side_that_seems_better_is_seen() -> None:
    (fair, *_), (bent, *_) = (
        aa_noise.calibrate(PLAN, evidence(0.01, 0.01, offset=offset)).spreads
        for offset in (0.0, 0.02)
    )

    assert fair.offset.low is not None
    assert fair.offset.high is not None
    assert fair.offset.low < 0 < fair.offset.high
    assert bent.offset.low is not None
    assert bent.offset.low > 0.01


def test_a_drift_is_seen() -> None:
    drifting = tuple(
        replace(make_pair(PLAN, number, change=0.01 * number), at_s=60.0 * number)
        for number in range(1, 13)
    )

    found = aa_noise.calibrate(PLAN, Evidence(pairs=drifting)).spreads[0].drift

    assert found.estimate == pytest.approx(math.expm1(0.01), rel=1e-3)


def test_a_quiet_machine_promises_its_margin_at_the_first_look() -> None:
    promised = promise(PLAN, spread(0.015, 0.02))

    assert promised.starts == 16
    assert promised.minutes == pytest.approx(1.0)
    assert promised.visible is not None
    assert -0.05 < promised.visible < -0.025


def test_more_noise_needs_more_starts() -> None:
    starts = [promise(PLAN, spread(sd, 0.0)).starts for sd in (0.02, 0.05, 0.07)]

    assert None not in starts
    assert starts == sorted(starts, key=lambda count: count or 0)
    assert starts[0] != starts[-1]


def test_what_cannot_be_held_is_not_promised() -> None:
    assert promise(PLAN, spread(0.2, 0.2)).starts is None

    found = aa_noise.calibrate(PLAN, evidence(0.5, 0.2))
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(aa_noise_text.render(found))

    assert not found.holds
    assert (
        "time is too short for these margins on this machine: throughput −5%"
        in console.export_text()
    )


def test_a_promise_is_kept_in_simulation() -> None:
    promised = promise(PLAN, spread(0.02, 0.02))
    assert promised.starts is not None
    assert promised.visible is not None
    rng = np.random.default_rng(2)
    judged = [
        judge(
            list(rng.normal(math.log1p(promised.visible), math.hypot(0.02, 0.02), promised.starts)),
            rule_of(PLAN, EndpointName.CPU),
        ).verdict
        for _ in range(500)
    ]

    assert judged.count(GateVerdict.REGRESSED) >= 0.9 * len(judged)
