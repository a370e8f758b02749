from dataclasses import replace

from loadtests.config.options import Options
from loadtests.model.tested.external import Hooks
from loadtests.model.tested.target import Target, TargetKind
from loadtests.planning.external_plan import SCALE_S, expected_at
from loadtests.planning.run_plan import make_plan
from loadtests.targets import plain
from tests.loadtests.builders import make_machine

WEB = Target(kind=TargetKind.URL, given="web", name="web", url="http://10.0.0.1:80")


def notes(tested: Target) -> str:
    plan = make_plan(
        Options(), make_machine(), backend="external", seed=1, project=plain.project(tested)
    )
    return "\n".join(plan.notes)


def test_the_plan_says_whom_it_loads_with_how_many_users() -> None:
    told = notes(WEB)

    assert "loads http://10.0.0.1:80 with up to 256 users a replica, 1024 at 4" in told
    assert "20 s are assumed for each time" in told


def test_the_duration_follows_from_how_long_scaling_takes() -> None:
    plan = make_plan(
        Options(), make_machine(), backend="external", seed=1, project=plain.project(WEB)
    )

    least_s, most_s = expected_at(plan, SCALE_S + 60.0)

    assert expected_at(plan, SCALE_S) == (plan.expected_s, plan.expected_max_s)
    assert least_s - plan.expected_s == 60.0 * 3 * plan.rounds_min
    assert most_s - plan.expected_max_s == 60.0 * 3 * plan.rounds_max


def scaled_by(*words: str) -> Target:
    return replace(WEB, hooks=Hooks(scale=words))


def test_the_plan_names_the_cluster_that_is_scaled() -> None:
    told = notes(
        scaled_by(
            *("twofold-kubernetes", "scale", "deployment/web"),
            *("--context", "test", "--namespace=shop", "--replicas={replicas}"),
        )
    )

    assert "It is on the cluster of kubectl's context test in the namespace shop." in told


def test_hooks_that_name_no_cluster_are_told() -> None:
    assert "names no context" in notes(scaled_by("kubectl", "scale", "--replicas={replicas}"))
    assert "context" not in notes(scaled_by("./scale.sh", "{replicas}"))


def test_a_deployment_on_this_machine_is_told() -> None:
    assert "shares this machine" in notes(replace(WEB, shares_machine=True))
    assert "shares this machine" not in notes(WEB)


def test_how_equal_shares_are_judged_without_a_header_is_told() -> None:
    counted = replace(WEB, hooks=Hooks(scale=("./scale.sh",), counters=("./counters.sh",)))

    assert "equal shares cannot be checked" in notes(scaled_by("./scale.sh"))
    assert "equal shares are judged by their CPU" in notes(counted)
