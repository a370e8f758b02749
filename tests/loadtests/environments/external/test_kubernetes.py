"""The hooks for Kubernetes, with the real kubectl, against a stand-in for a cluster."""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.external.deployment import put_back
from loadtests.environments.external.hooks import HookRunner
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.tested.external import Hooks
from tests.loadtests.environments.external.cluster import State, configure
from tests.loadtests.environments.external.own_hooks import HOOKS, MARKS, hook

pytestmark = MARKS


def test_the_number_is_set_and_put_back(state: State) -> None:
    with put_back(HOOKS, lambda _: None) as web:
        web.scale_to(4)
        seen = web.names

    assert seen == ("web-1", "web-2", "web-3", "web-4")
    assert state.scaled == [4, 2]


def test_a_deployment_that_has_no_replicas_gets_none_back(state: State) -> None:
    """Here the number is known: it is ``spec.replicas``."""
    state.replicas = 0

    with put_back(HOOKS, lambda _: None) as web:
        web.scale_to(1)

    assert state.scaled == [1, 0]


def test_pods_that_serve_are_named_with_what_a_restart_changes(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    state.pods = {"web-2": {"restarts": 1, "node": "node-2"}}

    code, out, _ = hook("replicas", "deployment/web", capsys=capsys)

    assert code == 0
    assert out.splitlines() == [
        "web-1\tuid of web-1 on node-1, 0 restarts",
        "web-2\tuid of web-2 on node-2, 1 restarts",
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"phase": "Pending", "ready": False, "unscheduled": "0/3 nodes: no cpu"}, "no cpu"),
        ({"ready": False, "waiting": "CrashLoopBackOff"}, "CrashLoopBackOff"),
        ({"ready": False, "waiting": "ImagePullBackOff", "phase": "Pending"}, "ImagePullBackOff"),
        ({"phase": "Failed", "reason": "Evicted", "ready": False}, "Evicted"),
        ({"deleted": True}, "is being deleted"),
        ({"ready": False}, "not ready"),
    ],
)
def test_a_pod_that_does_not_serve_is_not_counted_and_told_why(
    state: State, capsys: pytest.CaptureFixture[str], change: dict[str, Any], told: str
) -> None:
    state.pods = {"web-2": change}

    code, out, err = hook("replicas", "deployment/web", capsys=capsys)

    assert code == 0
    assert [line.partition("\t")[0] for line in out.splitlines()] == ["web-1"]
    assert "web-2" in err
    assert told in err


def test_an_autoscaler_that_owns_it_is_named_with_the_way_to_pause_it(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    state.scalers = [("other", "Deployment", "api"), ("web-hpa", "Deployment", "web")]

    code, _, err = hook("scale", "deployment/web", "--replicas", "4", capsys=capsys)

    assert code == 2
    assert "The autoscaler web-hpa owns the number of replicas of deployment/web" in err
    assert "delete hpa web-hpa" in err
    assert state.scaled == []


def test_an_autoscaler_of_something_else_is_no_hindrance(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    state.scalers = [("api", "Deployment", "api"), ("web", "StatefulSet", "web")]

    assert hook("scale", "deployment/web", "--replicas", "4", capsys=capsys)[0] == 0
    assert state.scaled == [4]


def test_a_paused_rollout_is_refused(state: State, capsys: pytest.CaptureFixture[str]) -> None:
    state.paused = True

    code, _, err = hook("scale", "deployment/web", "--replicas", "4", capsys=capsys)

    assert (code, state.scaled) == (2, [])
    assert "kubectl rollout resume deployment/web" in err


@pytest.mark.parametrize("what", ["pods", "horizontalpodautoscalers", "scale"])
def test_a_permission_that_is_missing_is_told_in_the_clusters_words(
    state: State, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    state.forbidden = what
    words = ("replicas",) if what == "pods" else ("scale", "--replicas", "4")

    code, _, err = hook(words[0], "deployment/web", *words[1:], capsys=capsys)

    assert (code, state.scaled) == (4, [])
    assert "forbidden" in err
    assert "Ask whoever runs the cluster for this permission" in err


def test_counters_that_may_not_be_read_are_told_in_the_clusters_words(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    state.forbidden = "/exec"

    code, out, err = hook("counters", "deployment/web", capsys=capsys)

    assert (code, out) == (4, "")
    assert "The CPU counters of web-1 cannot be read inside it" in err
    assert "forbidden" in err
    assert "Ask whoever runs the cluster for this permission" in err


def test_canaries_with_the_same_labels_are_no_replicas(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    state.pods = {
        "web-1": {"owner": ("ReplicaSet", "web-5d4b", "5d4b")},
        "canary-1": {"owner": ("ReplicaSet", "web-canary-7f9c", "7f9c")},
    }

    code, out, err = hook("replicas", "deployment/web", capsys=capsys)

    assert (code, err) == (0, "")
    assert [line.partition("\t")[0] for line in out.splitlines()] == ["web-1", "web-2"]


def test_a_name_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = hook("replicas", "deployment/wab", capsys=capsys)

    assert code == 4
    assert '"wab" not found' in err
    assert "kubectl get deployments --all-namespaces" in err


def test_a_kind_that_cannot_be_scaled(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = hook("replicas", "daemonset/web", capsys=capsys)

    assert code == 2
    assert "'daemonset/web' cannot be scaled here" in err


def test_a_context_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = hook("replicas", "deployment/web", "--context", "prod", capsys=capsys)

    assert code == 4
    assert "prod" in err
    assert "kubectl config get-contexts" in err


def test_a_login_that_has_run_out(state: State, capsys: pytest.CaptureFixture[str]) -> None:
    state.status = 401

    code, _, err = hook("replicas", "deployment/web", capsys=capsys)

    assert code == 4
    assert "Log in to the cluster first" in err


def test_a_cluster_that_is_down(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(configure(tmp_path, "http://127.0.0.1:9")))

    code, _, err = hook("replicas", "deployment/web", capsys=capsys)

    assert code == 4
    assert "Is the cluster up" in err


def test_pods_are_chosen_by_the_workloads_own_selector(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    state.selector = {
        "matchLabels": {"app": "web"},
        "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]},
            {"key": "canary", "operator": "DoesNotExist"},
        ],
    }

    assert hook("replicas", "deployment/web", capsys=capsys)[0] == 0

    assert state.asked_selectors == ["app=web,tier in (a,b),!canary"]


def test_pods_that_never_get_ready_end_the_wait_and_the_number_is_put_back(state: State) -> None:
    state.unready_after_scale = True

    with (
        pytest.raises(EnvironmentFailure, match="did not have 4 ready replicas"),
        put_back(HOOKS, lambda _: None) as web,
    ):
        web.scale_to(4)

    assert state.scaled == [4, 2]


@pytest.mark.parametrize(
    ("ready", "said"),
    [
        (
            ("twofold-kubernetes", "ready", "deployment/web"),
            "The hook 'ready' says: deployment/web",
        ),
        ((), "The hook 'replicas' says: web-1 is Running: not ready. Look"),
    ],
)
def test_why_pods_never_get_ready_is_told(state: State, ready: tuple[str, ...], said: str) -> None:
    state.unready_after_scale = True
    hooks = replace(HOOKS, ready=ready)

    with pytest.raises(EnvironmentFailure) as failed, put_back(hooks, lambda _: None) as web:
        web.scale_to(4)

    assert said in str(failed.value)
    assert "web-1 is Running: not ready. Look at" in str(failed.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"web-1": {"restarts": 1}}, "web-1 was started anew"),
        ({"web-1": {"node": "node-3"}}, "web-1 was started anew"),
        ({"web-1": {"phase": "Failed", "reason": "Evicted"}}, "from 2 to 1 replicas"),
    ],
)
def test_a_pod_that_restarts_moves_or_is_evicted_is_noticed(
    state: State, change: dict[str, dict[str, Any]], told: str
) -> None:
    with put_back(HOOKS, lambda _: None) as web:
        web.scale_to(2)
        assert web.change() is None
        state.pods = change
        changed = web.change()

    assert changed is not None
    assert changed.startswith(told)


def test_init_writes_hooks_that_the_cluster_accepts(
    twofold_in: Any, state: State, tmp_path: Path
) -> None:
    ended = twofold_in(
        tmp_path, "init", "--kubernetes", "deploy/web", "--url", "http://127.0.0.1:8080"
    )

    text = (tmp_path / "twofold.toml").read_text()
    table = tomllib.loads(text)["tool"]["twofold"]
    runner = HookRunner(
        Hooks(
            scale=tuple(table["external"]["scale"]), replicas=tuple(table["external"]["replicas"])
        )
    )
    runner.scale(3)
    assert ended.code == 0, ended.stderr
    assert "web 500m" in text
    assert state.scaled == [3]
    assert runner.names() == ("web-1", "web-2", "web-3")
    assert "counters" in table["external"]


def test_init_without_a_url_says_that_it_is_missing_and_nothing_is_scaled(
    twofold_in: Any, state: State, tmp_path: Path
) -> None:
    ended = twofold_in(tmp_path, "init", "--kubernetes", "deployment/web")
    measured = twofold_in(tmp_path, "run")

    assert "Its url is missing" in ended.stdout
    assert measured.code == 2
    assert "Write down where the deployment is" in measured.stderr
    assert state.scaled == []


def test_init_leaves_counters_out_where_programs_may_not_run_in_pods(
    twofold_in: Any, state: State, tmp_path: Path
) -> None:
    state.allowed = False

    ended = twofold_in(tmp_path, "init", "--kubernetes", "deployment/web")

    table = tomllib.loads((tmp_path / "twofold.toml").read_text())["tool"]["twofold"]
    assert ended.code == 0, ended.stderr
    assert "counters" not in table["external"]


def test_init_refuses_while_an_autoscaler_owns_it(
    twofold_in: Any, state: State, tmp_path: Path
) -> None:
    state.scalers = [("keda-hpa-web", "Deployment", "web")]

    ended = twofold_in(tmp_path, "init", "--kubernetes", "deployment/web")

    assert ended.code == 2
    assert "keda-hpa-web" in ended.stderr
    assert not (tmp_path / "twofold.toml").exists()
