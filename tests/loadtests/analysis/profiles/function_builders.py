"""Profiles of two versions with known truth: what each start's samples are drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from loadtests.model.profiles.functions import (
    CallPath,
    Function,
    FunctionProfile,
    StartProfile,
)

COUNT = 40
WEIGHTS = tuple((600, 1000, 1400, 2000, 2500)[number % 5] for number in range(COUNT))
OUTSIDE_SHARE = 0.2
"""Samples of the server and the interpreter."""

SHARES = (OUTSIDE_SHARE, *(weight / sum(WEIGHTS) * (1 - OUTSIDE_SHARE) for weight in WEIGHTS))

VIEW = Function(file="/srv/shop/__init__.py", name="index", line=5)


def function(number: int, **changed: Any) -> Function:
    given: dict[str, Any] = {
        "file": f"/srv/shop/part{number // 10}.py",
        "name": f"work_{number}",
        "line": 10 * (number % 10) + 1,
    }
    return Function(**{**given, **changed})


def make_profile(
    starts: Sequence[StartProfile],
    *,
    functions: Sequence[Function] | None = None,
    paths: Sequence[CallPath] | None = None,
    **changed: Any,
) -> FunctionProfile:
    """The view calls each function; path 0 is the server's own work, path k that of k − 1."""
    every = (VIEW, *(function(number) for number in range(COUNT)))
    own = [CallPath(functions=(0, number + 1), line=1) for number in range(COUNT)]
    given: dict[str, Any] = {
        "worker": "gthread",
        "rate_hz": 1000,
        "window_s": 3.0,
        "functions": tuple(functions if functions is not None else every),
        "paths": tuple(paths if paths is not None else (CallPath(functions=()), *own)),
        "starts": tuple(starts),
        "looking_cpus": 0.3,
    }
    return FunctionProfile(**{**given, **changed})


def make_start(side: str, pair: int, counts: Mapping[int, int], **changed: Any) -> StartProfile:
    given: dict[str, Any] = {
        "side": side,
        "pair": pair,
        "start": f"{side}-{pair}",
        "requests": 100,
        "cpu_us_per_request": 8000.0,
        "samples": tuple(sorted((path, count) for path, count in counts.items() if count)),
    }
    return StartProfile(**{**given, **changed})


def simulate(
    random: np.random.Generator,
    *,
    planted: int | None = None,
    ratio: float = 0.05,
    outside: float = 0.0,
    pairs: int = 12,
    samples: int = 750,
    start_sd: float = 0.03,
) -> FunctionProfile:
    """Give a profile in which a planted function takes ``ratio`` more of all CPU in head.

    ``outside`` is CPU that head takes beside Python, which no sample shows. Starts differ by
    ``start_sd`` in each function and in their CPU, cores by a tenth, and samples come in clusters:
    a sampler that is late looks twice at one place.
    """
    starts = []
    for pair in range(1, pairs + 1):
        core = 1 + 0.1 * random.standard_normal()
        for side in ("base", "head"):
            costs = np.array(SHARES) * np.exp(start_sd * random.standard_normal(COUNT + 1))
            if side == "head" and planted is not None:
                costs[planted + 1] += ratio
            cpu = float(costs.sum()) + (outside if side == "head" else 0.0)
            expected = samples * float(costs.sum()) * core
            clusters = random.poisson(costs / costs.sum() * expected / 1.5)
            counts = clusters + random.binomial(clusters, 0.5)
            starts.append(
                make_start(
                    side,
                    pair,
                    {path: int(count) for path, count in enumerate(counts)},
                    requests=int(random.integers(98, 103)),
                    cpu_us_per_request=8000.0 * cpu * core * (1 + 0.01 * random.standard_normal()),
                )
            )
    return make_profile(starts)


def only(function_of: Function, side: str) -> Function:
    """Give a function that only one version has."""
    return replace(function_of, in_base=side == "base", in_head=side == "head")
