import pytest

from loadtests.analysis import bottleneck
from loadtests.model.tested.target import Target, TargetKind
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import Bottleneck, Role
from tests.loadtests.bottleneck_builders import saturating
from tests.loadtests.builders import make_budget, make_cell, make_plan, make_trial, make_usage

PLAN = make_plan(workers=("gthread", "gevent"), replica_counts=(1, 2))
BY_PROFILES = Bottleneck.WAITING
"""Named where nothing was full and profiles tell what for; see profiles/test_naming.py."""

NAMED = [kind for kind in Bottleneck if kind not in {Bottleneck.UNEXPLAINED, BY_PROFILES}]


def judge(*trials: Trial, worker: str = "gthread", replicas: int = 1) -> tuple[Bottleneck, str]:
    cell = make_cell(worker=worker, replicas=replicas)
    return bottleneck.judge(bottleneck.resources(PLAN, cell, trials))


@pytest.mark.parametrize("kind", NAMED)
def test_the_one_full_means_is_named(kind: Bottleneck) -> None:
    found, _ = judge(make_trial(**saturating(kind)))

    assert found is kind


def test_nothing_full_is_unexplained_with_all_figures() -> None:
    found, detail = judge(make_trial(**saturating(Bottleneck.UNEXPLAINED)))

    assert found is Bottleneck.UNEXPLAINED
    assert detail == (
        "No monitored resource was saturated: the busiest replica used 0.040 of its 0.1 CPU,"
        " throttled in 10% of CPU periods; the load generator used 12% of one core; proxy,"
        " generator and store used 0.00 of the 1 core(s) they share; other programs"
        " and the host used 1.0% of the cores."
    )


def test_a_cell_without_trials_says_so() -> None:
    assert judge() == (Bottleneck.UNEXPLAINED, "No trial of this cell was finished.")


def test_held_in_most_periods_is_full_even_below_the_budget() -> None:
    found, detail = judge(make_trial(usages=(make_usage(cpu_s=0.2, throttled_ratio=0.85),)))

    assert found is Bottleneck.REPLICA_CPU
    assert (
        detail == "The busiest replica used 0.080 of its 0.1 CPU, throttled in 85% of CPU periods."
    )


def test_one_full_replica_among_idle_ones_is_named() -> None:
    usages = (
        make_usage(member="gthread-1", cpu_s=0.1, throttled_ratio=0.2),
        make_usage(member="gthread-2", cpu_s=0.245, throttled_ratio=0.9),
    )

    _, detail = judge(make_trial(usages=usages), replicas=2)

    assert detail.startswith("Replica gthread-2 alone used 0.098 of its 0.1 CPU")


def test_without_a_budget_a_replica_has_a_core_for_each_process() -> None:
    busy = make_usage(cpu_s=2.4, budget_cpus=None, throttled_ratio=None)

    found, detail = judge(make_trial(usages=(busy,)))

    assert (found, detail) == (
        Bottleneck.REPLICA_CPU,
        "The busiest replica used 0.960 of its 1 CPU.",
    )


def test_slots_are_counted_by_littles_law() -> None:
    # 150 requests/s × 52 ms = 7.8 in service, of 8 slots
    fields = saturating(Bottleneck.UNEXPLAINED) | {"service_ms": 52.0, "throughput_rps": 150.0}

    assert judge(make_trial(**fields)) == (
        Bottleneck.WORKER_SLOTS,
        "7.8 of 8 worker slots were busy.",
    )


def test_no_more_slots_are_busy_than_requests_are_in_flight() -> None:
    """One user alone waited for cold caches, and those of the trial hardly wait at all."""
    fields = saturating(Bottleneck.UNEXPLAINED) | {"service_ms": 100.0, "throughput_rps": 85.0}

    found, detail = judge(make_trial(**fields, in_flight=0.5))

    assert found is Bottleneck.UNEXPLAINED
    assert "0.5 of 8 worker slots were busy" in detail


def test_greenlets_have_no_slots_to_fill() -> None:
    fields = saturating(Bottleneck.UNEXPLAINED) | {"service_ms": 5000.0}

    found, _ = judge(make_trial(**fields), worker="gevent")

    assert found is Bottleneck.UNEXPLAINED


def test_a_full_store_is_called_by_its_name_and_more_servers_do_not_help() -> None:
    _, detail = judge(make_trial(**saturating(Bottleneck.STORE)))

    assert detail == (
        "PostgreSQL used 0.196 of its 0.2 CPU, throttled in 97% of CPU periods, and more servers"
        " will not change that."
    )


def test_of_several_stores_the_full_one_is_named() -> None:
    idle = make_usage(cpu_s=0.1, throttled_ratio=0.1)
    cache = make_usage(member="cache", role=Role.STORE, cpu_s=0.19, throttled_ratio=0.0)
    full = make_usage(member="db", role=Role.STORE, cpu_s=0.49, throttled_ratio=0.97)

    found, detail = judge(make_trial(usages=(idle, cache, full)))

    assert found is Bottleneck.STORE
    assert detail.startswith("The service db used")


def test_a_full_store_comes_before_the_slots_that_wait_for_it() -> None:
    fields = saturating(Bottleneck.STORE) | {"service_ms": 152.0}

    assert judge(make_trial(**fields))[0] is Bottleneck.STORE


def test_a_generator_that_its_budget_holds_back_is_full_at_any_use_of_a_core() -> None:
    held = make_usage(member="generator", role=Role.GENERATOR, cpu_s=0.12, throttled_ratio=0.97)
    idle = make_usage(cpu_s=0.1, throttled_ratio=0.1)

    found, detail = judge(make_trial(usages=(idle, held)))

    assert found is Bottleneck.GENERATOR
    assert detail == "The load generator used 12% of one core, throttled in 97% of CPU periods."


def test_proxy_and_generator_that_fill_their_core_together_are_the_hosts_limit() -> None:
    busy = {"span_s": 2.5, "budget_cpus": None, "throttled_ratio": None, "completed": None}
    usages = (
        make_usage(cpu_s=0.1, throttled_ratio=0.1),
        make_usage(member="proxy", role=Role.PROXY, cpu_s=1.0, **busy),
        make_usage(member="generator", role=Role.GENERATOR, cpu_s=1.4, **busy),
    )

    assert judge(make_trial(usages=usages)) == (
        Bottleneck.HOST,
        "Proxy, generator and store used 0.96 of the 1 core(s) they share.",
    )


def test_a_deployments_cpu_is_full_only_where_its_limit_is_known() -> None:
    tested = Target(kind=TargetKind.URL, given="web", name="web", url="http://10.0.0.1:80")
    plan = make_plan(tested=tested, budget=make_budget(replica_cpus=None, service_cores=()))
    busy = make_usage(cpu_s=2.4, span_s=2.5, budget_cpus=None, throttled_ratio=None)
    limited = make_usage(cpu_s=2.4, span_s=2.5, budget_cpus=1.0, throttled_ratio=None)

    unknown = bottleneck.resources(plan, make_cell(), [make_trial(usages=(busy,))])
    (known,) = [
        use
        for use in bottleneck.resources(plan, make_cell(), [make_trial(usages=(limited,))])
        if use.kind is Bottleneck.REPLICA_CPU
    ]

    assert Bottleneck.REPLICA_CPU not in {use.kind for use in unknown}
    assert known.full
