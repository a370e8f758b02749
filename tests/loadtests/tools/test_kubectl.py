import pytest

from loadtests.tools.kubectl import (
    Access,
    CpuCounters,
    argv,
    explained,
    parse_counters,
    scale_argv,
    selector_of,
)

V2 = "usage_usec 1500000\nuser_usec 1\nnr_throttled 3\nthrottled_usec 250000\n"
V1 = "nr_periods 9\nnr_throttled 2\nthrottled_time 500000000\n2500000000\n"


def test_context_and_namespace_stand_before_the_words() -> None:
    access = Access(namespace="shop", context="test")

    assert argv(access, "get", "pods")[2:] == (
        *("--context", "test", "--namespace", "shop", "get", "pods"),
    )
    assert scale_argv(Access(), "Deployment", "web", 4)[2:] == (
        *("scale", "deployment/web", "--replicas=4"),
    )


@pytest.mark.parametrize(
    ("text", "counters"),
    [
        (V2, CpuCounters(cpu_s=1.5, throttled_s=0.25)),
        (V1, CpuCounters(cpu_s=2.5, throttled_s=0.5)),
        ("usage_usec 1000000\n", CpuCounters(cpu_s=1.0, throttled_s=None)),
        ("", None),
        ("sh: cat: not found\n", None),
    ],
)
def test_the_kernels_counters_of_both_versions_are_read(
    text: str, counters: CpuCounters | None
) -> None:
    assert parse_counters(text) == counters


def test_every_kind_of_rule_is_in_a_selector() -> None:
    rules = [
        {"key": "a", "operator": "In", "values": ["x", "y"]},
        {"key": "b", "operator": "NotIn", "values": ["z"]},
        {"key": "c", "operator": "Exists"},
        {"key": "d", "operator": "DoesNotExist"},
    ]

    assert selector_of({"matchExpressions": rules}) == "a in (x,y),b notin (z),c,!d"


@pytest.mark.parametrize(
    ("stderr", "way_out"),
    [
        ("Error from server (Forbidden): pods is forbidden", "permission"),
        ('error: context "x" does not exist', "get-contexts"),
        ('Error from server (NotFound): deployments.apps "w" not found', "--all-namespaces"),
        ("error: You must be logged in to the server (Unauthorized)", "Log in"),
        ("The connection to the server 1.2.3.4:6443 was refused", "Is the cluster up"),
        ("", "it said nothing"),
    ],
)
def test_a_failure_is_told_with_what_to_do(stderr: str, way_out: str) -> None:
    assert way_out in explained(stderr)
