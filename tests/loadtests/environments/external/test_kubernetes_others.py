"""Kubernetes: others who scale it, too, pods that go away, and which cluster is meant."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.external.deployment import put_back
from loadtests.model.errors import EnvironmentFailure
from tests.loadtests.environments.external.cluster import NAMESPACE, State
from tests.loadtests.environments.external.own_hooks import HOOKS, MARKS, hook

pytestmark = MARKS


def test_an_autoscaler_that_comes_in_between_does_not_hinder_scaling_back(state: State) -> None:
    with put_back(HOOKS, lambda _: None) as web:
        web.scale_to(4)
        state.scalers = [("web-hpa", "Deployment", "web")]

    assert state.scaled == [4, 2]


def test_the_number_to_put_back_is_the_one_that_was_asked_for(state: State) -> None:
    """One of three pods is not ready just now."""
    state.replicas = 3
    state.pods = {"web-3": {"ready": False}}

    with put_back(HOOKS, lambda _: None) as web:
        assert web.before == 3
        state.pods = {}
        web.scale_to(1)

    assert state.scaled == [1, 3]


def test_what_somebody_else_asks_for_meanwhile_stops_the_run_and_is_left_alone(
    state: State,
) -> None:
    said: list[str] = []

    with put_back(HOOKS, said.append) as web:
        web.scale_to(1)
        state.replicas = 5
        with pytest.raises(EnvironmentFailure, match="scales the deployment: from 1 to 5"):
            web.scale_to(4)

    assert state.scaled == [1]
    assert "has 5 replicas, which somebody else set" in said[-1]


def test_what_somebody_else_asked_for_before_a_reset_stops_the_run_and_is_left_alone(
    state: State,
) -> None:
    with put_back(HOOKS, lambda _: None) as web:
        web.scale_to(1)
        state.replicas = 10
        with pytest.raises(EnvironmentFailure, match="scales the deployment: from 1 to 10"):
            web.forget()

    assert state.scaled == [1]


def test_a_pod_that_fails_is_nobody_elses_order(state: State) -> None:
    with put_back(HOOKS, lambda _: None) as web:
        web.scale_to(4)
        state.pods = {"web-4": {"ready": False}}
        assert web.change() is not None
        assert web.foreign is None
        state.pods = {}
        web.scale_to(1)

    assert state.scaled == [4, 1, 2]


@pytest.mark.parametrize(
    ("pods", "observed", "told"),
    [
        ({}, True, None),
        ({"old-1": {"deleted": True}}, True, "old-1 is being deleted"),
        ({}, False, "does not have its 2 replicas ready yet"),
    ],
)
def test_a_deployment_is_ready_when_the_pods_that_were_taken_away_have_gone(
    state: State,
    capsys: pytest.CaptureFixture[str],
    pods: dict[str, dict[str, Any]],
    observed: bool,
    told: str | None,
) -> None:
    state.pods, state.observed = pods, observed

    code, _, err = hook("ready", "deployment/web", capsys=capsys)

    assert code == (0 if told is None else 1)
    assert (told or "") in err


def test_scaling_back_leaves_alone_what_is_not_ours(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("scale", "deployment/web", "--replicas", "3", "--back", "--ours", "1,4")

    code, _, err = hook(*words, capsys=capsys)

    assert (code, state.scaled) == (0, [])
    assert "has 2 replicas, which somebody else set" in err


def test_an_autoscaler_of_keda_is_paused_and_not_deleted(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    state.scalers, state.keda = [("keda-hpa-web", "Deployment", "web")], "web"
    words = ("scale", "deployment/web", "--replicas", "4")

    code, _, err = hook(*words, "--context", "here", "--namespace", NAMESPACE, capsys=capsys)

    assert code == 2
    where = f"kubectl --context here --namespace {NAMESPACE}"
    assert f"{where} annotate scaledobject web autoscaling.keda.sh/paused=true" in err
    assert f"{where} annotate scaledobject web autoscaling.keda.sh/paused-" in err
    assert "delete" not in err


def test_init_names_the_cluster_in_every_hook_and_command(twofold_in: Any, tmp_path: Path) -> None:
    ended = twofold_in(tmp_path, "init", "--kubernetes", "deployment/web", "--job", "image:1")

    table = tomllib.loads((tmp_path / "twofold.toml").read_text())["tool"]["twofold"]["external"]
    named = ["--context", "here", "--namespace", NAMESPACE]
    job = (tmp_path / "twofold-job.yaml").read_text()
    assert ended.code == 0, ended.stderr
    for name in ("scale", "ready", "replicas", "counters"):
        assert [word for word in table[name] if word in named] == named
    assert job.count("kubectl --context here --namespace shop ") == 4
    assert f"namespace {NAMESPACE} of kubectl's context here" in ended.stdout


def test_init_needs_a_cluster(
    twofold_in: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    ended = twofold_in(tmp_path, "init", "--kubernetes", "deployment/web")

    assert ended.code == 4
    assert "has no current context" in ended.stderr
