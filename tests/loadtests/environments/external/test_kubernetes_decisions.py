"""What our program for Kubernetes does with what kubectl prints, without kubectl."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.external import kubernetes
from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.tools import kubectl, proc
from loadtests.tools.kubectl import Access
from tests.loadtests.environments.external.cluster import (
    State,
    deployment_of,
    pods_of,
    scaler_of,
)

HERE = Access(context="here", namespace="shop")


@pytest.fixture
def ran(state: State, monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """Answer for kubectl with what ``state`` has; give the commands that print no object."""
    commands: list[Sequence[str]] = []

    def document(words: Sequence[str]) -> dict[str, Any]:
        if "pods" in words:
            return {"items": pods_of(state)}
        if "horizontalpodautoscalers" in words:
            return {"items": [scaler_of(scaler, state.keda) for scaler in state.scalers]}
        return deployment_of(state)

    monkeypatch.setattr(kubectl, "document", document)
    monkeypatch.setattr(kubectl, "run", commands.append)
    return commands


@pytest.mark.usefixtures("ran")
def test_nothing_is_ready_before_the_pods_that_were_taken_away_have_gone(state: State) -> None:
    assert kubernetes.not_ready(HERE, "deployment/web") is None

    state.pods = {"old-1": {"deleted": True}}
    assert kubernetes.not_ready(HERE, "deployment/web") == (
        "old-1 is being deleted, and is still there."
    )

    state.pods, state.observed = {}, False
    assert "does not have its 2 replicas" in (kubernetes.not_ready(HERE, "deployment/web") or "")


@pytest.mark.usefixtures("ran")
def test_the_first_pod_that_is_not_ready_is_told_with_its_reason(state: State) -> None:
    """Not the one that was evicted long ago, whose name comes first."""
    state.replicas = 3
    state.pods = {
        "web-1": {"phase": "Failed", "reason": "Evicted", "ready": False},
        "web-3": {"phase": "Pending", "ready": False, "waiting": "ImagePullBackOff"},
    }

    assert kubernetes.not_ready(HERE, "deployment/web") == (
        "deployment/web does not have its 3 replicas ready yet. web-3 is Pending: ImagePullBackOff."
    )
    del state.pods["web-3"]
    assert (kubernetes.not_ready(HERE, "deployment/web") or "").endswith(
        "web-1 is Failed: Evicted."
    )


OTHERS: dict[str, dict[str, Any]] = {
    "canary-1": {"owner": ("ReplicaSet", "web-canary-7f9c", "7f9c")},
    "migrate-1": {"owner": ("Job", "web-migrate", ""), "phase": "Failed", "ready": False},
    "cache-0": {"owner": ("StatefulSet", "web", ""), "deleted": True},
    "probe-1": {"owner": ("ReplicaSet", "web-7f9c", "5d4b")},
}
"""Pods with the labels of the Deployment ``web``, which others made."""


@pytest.mark.usefixtures("ran")
def test_pods_of_others_with_the_same_labels_are_no_replicas(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    state.pods = {"web-1": {"owner": ("ReplicaSet", "web-5d4b", "5d4b")}, **OTHERS}

    lines = kubernetes.replica_lines(HERE, "deployment/web")

    assert [line.partition("\t")[0] for line in lines] == ["web-1", "web-2"]
    assert capsys.readouterr().err == ""
    assert kubernetes.not_ready(HERE, "deployment/web") is None


@pytest.mark.usefixtures("ran")
def test_a_reason_is_never_that_of_somebody_elses_pod(state: State) -> None:
    state.pods = {**OTHERS, "web-2": {"ready": False, "waiting": "CrashLoopBackOff"}}

    assert (kubernetes.not_ready(HERE, "deployment/web") or "").endswith(
        "web-2 is Running: CrashLoopBackOff."
    )


@pytest.mark.usefixtures("ran")
def test_the_number_is_the_one_that_was_asked_for(state: State) -> None:
    state.pods = {"web-2": {"ready": False}}

    assert kubernetes.count_lines(HERE, "deployment/web") == ["2"]


def test_scaling_back_is_for_our_numbers_whatever_autoscaler_came(
    state: State, ran: list[Sequence[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    state.scalers = [("web-hpa", "Deployment", "web")]

    kubernetes.scale_back(HERE, "deployment/web", 3, (1, 4))
    assert ran == []
    assert "has 2 replicas, which somebody else set" in capsys.readouterr().err

    kubernetes.scale_back(HERE, "deployment/web", 3, (1, 2))
    assert [command[-1] for command in ran] == ["--replicas=3"]


def test_an_autoscaler_of_keda_is_paused(state: State, ran: list[Sequence[str]]) -> None:
    state.scalers, state.keda = [("keda-hpa-web", "Deployment", "web")], "web"

    with pytest.raises(UsageError) as refused:
        kubernetes.scale(HERE, "deployment/web", 4)

    pause = "annotate scaledobject web autoscaling.keda.sh/paused=true --overwrite"
    assert f"kubectl --context here --namespace shop {pause}" in str(refused.value)
    assert "delete" not in str(refused.value)
    assert ran == []


def saying(monkeypatch: pytest.MonkeyPatch, *answers: tuple[int, str]) -> None:
    """Let programs end with these codes and print these texts, one after the other."""
    rest = iter(answers)

    def run(words: Sequence[str], **_: Any) -> proc.Completed:
        code, text = next(rest)
        return proc.Completed(argv=tuple(words), code=code, stdout=text, stderr="")

    monkeypatch.setattr(proc, "run", run)


VIEW = '{"contexts": [{"name": "test", "context": {"namespace": "shop"}}]}'


def test_the_cluster_and_the_namespace_of_this_moment_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    saying(monkeypatch, (0, "test\n"), (0, VIEW))
    assert kubectl.resolved(Access()) == Access(context="test", namespace="shop")

    saying(monkeypatch, (0, '{"contexts": [{"name": "test", "context": {}}]}'))
    assert kubectl.resolved(Access(context="test")) == Access(context="test", namespace="default")

    saying(monkeypatch, (0, "test\n"))
    assert kubectl.resolved(Access(namespace="mine")) == Access(context="test", namespace="mine")


def test_without_a_context_there_is_no_cluster_but_that_of_a_pod(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(kubectl, "POD_NAMESPACE", tmp_path / "namespace")
    monkeypatch.delenv(kubectl.IN_A_POD, raising=False)
    saying(monkeypatch, (1, ""))
    with pytest.raises(EnvironmentFailure, match="no current context"):
        kubectl.resolved(Access())

    monkeypatch.setenv(kubectl.IN_A_POD, "10.0.0.1")
    saying(monkeypatch, (1, ""), (1, ""))
    assert kubectl.resolved(Access(namespace="shop")) == Access(namespace="shop")
    with pytest.raises(UsageError, match="--namespace NAME"):
        kubectl.resolved(Access())

    (tmp_path / "namespace").write_text("tests")
    saying(monkeypatch, (1, ""))
    assert kubectl.resolved(Access()) == Access(namespace="tests")
