from dataclasses import replace

from loadtests.config.options import Options
from loadtests.model.tested.external import Hooks
from loadtests.model.tested.target import Target, TargetKind
from loadtests.planning.run_plan import make_plan
from loadtests.targets import plain
from tests.loadtests.builders import make_machine

WEB = Target(kind=TargetKind.URL, given="web", name="web", url="http://10.0.0.1:80")


def notes(tested: Target) -> str:
    plan = make_plan(
        Options(), make_machine(), backend="external", seed=1, project=plain.project(tested)
    )
    return "\n".join(plan.notes)


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
