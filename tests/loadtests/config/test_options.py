import math
from dataclasses import replace
from typing import Any

import pytest

from loadtests.config.options import MAX_REPLICAS, MAX_ROUNDS, Choices, Options, check
from loadtests.model.errors import EXIT_USAGE, UsageError

CHOICES = Choices(
    backends={"auto": "", "compose": "", "processes": ""},
    workers={"gthread": "", "sync": "", "gevent": ""},
    workloads={"cpu": "", "io": ""},
)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"workers": ("sync",)},
        {"replicas": (3, 6)},
        {"replicas": (MAX_REPLICAS // 2, MAX_REPLICAS)},
        {"rounds": 2},
        {"generator_workers": ("10.0.0.5:8089", "[::1]:8089")},
        {"rounds": MAX_ROUNDS},
        {"precision_ratio": 0.001},
        {"target": 2.0},
        {"workloads": ("io", "cpu")},
        {"backend": "processes", "quick": True, "seed": -3},
    ],
)
def test_usable_options_come_back_as_they_are(fields: dict[str, Any]) -> None:
    options = replace(Options(), **fields)

    assert check(options, CHOICES) == options


@pytest.mark.parametrize(
    ("fields", "thing", "way_out"),
    [
        ({"backend": "kubernetes"}, "'kubernetes'", "auto, compose, processes"),
        ({"workers": ("gthread", "uvicorn")}, "'uvicorn'", "gthread, sync, gevent"),
        ({"workers": ("gtread",)}, "'gtread'", "Did you mean gthread?"),
        ({"workers": ("sync", "sync")}, "'sync' is given twice", "each once"),
        ({"workers": ()}, "--workers names no worker model", "gthread, sync, gevent"),
        ({"workloads": ("disk",)}, "'disk'", "cpu, io"),
        ({"workloads": ("io", "io")}, "'io' is given twice", "each once"),
        ({"replicas": (0, 1, 2)}, "--replicas has 0", "1,2,4"),
        ({"replicas": (-1, 1, 2)}, "--replicas has -1", "1,2,4"),
        ({"replicas": (1, 2, MAX_REPLICAS + 1)}, f"has {MAX_REPLICAS + 1}", "1,2,4"),
        ({"replicas": (1, 1, 2)}, "--replicas 1,1,2 has a number twice", "each once"),
        ({"replicas": (1, 3, 5)}, "--replicas 1,3,5 has no number that is twice", "1,2,4"),
        ({"replicas": ()}, "--replicas (empty)", "1,2,4"),
        ({"rounds": 1}, "--rounds is 1", "Leave it out"),
        ({"rounds": 0}, "--rounds is 0", "Leave it out"),
        ({"rounds": MAX_ROUNDS + 1}, f"--rounds is {MAX_ROUNDS + 1}", "Leave it out"),
        ({"precision_ratio": 0.0}, "--precision is 0", "0.04"),
        ({"precision_ratio": 1.0}, "--precision is 1", "0.04"),
        ({"precision_ratio": math.nan}, "--precision is nan", "0.04"),
        ({"target": 1.0}, "--target is 1", "1.8"),
        ({"target": 2.1}, "--target is 2.1", "1.8"),
        ({"target": math.nan}, "--target is nan", "1.8"),
        ({"max_rps": math.nan}, "--max-rps is nan", "50"),
        ({"max_rps": math.inf}, "--max-rps is inf", "50"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_value_and_a_way_out(
    fields: dict[str, Any], thing: str, way_out: str
) -> None:
    with pytest.raises(UsageError) as refusal:
        check(replace(Options(), **fields), CHOICES)

    assert thing in str(refusal.value)
    assert way_out in str(refusal.value)
    assert refusal.value.exit_code == EXIT_USAGE


@pytest.mark.parametrize(
    "addresses", [("10.0.0.5",), ("10.0.0.5:x",), (":80",), ("web:0",), ("web:1", "web:1")]
)
def test_generators_elsewhere_are_hosts_with_ports_each_once(addresses: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="--generator-workers has"):
        check(replace(Options(), generator_workers=addresses), CHOICES)
