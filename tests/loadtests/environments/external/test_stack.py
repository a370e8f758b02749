import json
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.environments.external import deployment
from loadtests.environments.external.deployment import Deployment
from loadtests.environments.external.stack import ExternalStack, variables_of
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.tested.external import Hooks
from loadtests.model.tested.target import Target, TargetKind
from tests.loadtests.builders import make_plan
from tests.loadtests.clashing_folder import clashing
from tests.loadtests.environments.external.file_deployment import FileDeployment

WEB = Target(kind=TargetKind.URL, given="web", name="web", url="http://Web.Example:8080")


def printing(text: str, *, after: str = "") -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", f"{after}print({text!r})")


def a_stack(
    tested: Target, hooks: Hooks, folder: Path, names: tuple[str, ...] = ()
) -> ExternalStack:
    running = Deployment(hooks, print, before=3, now=3, note=lambda _: None)
    running.names = names
    running._identities = dict.fromkeys(names, "")
    return ExternalStack(replace(make_plan(), tested=tested), running, folder)


def test_the_generator_is_told_the_header_the_address_and_its_part_of_the_limit() -> None:
    tested = replace(WEB, address="10.0.0.7", hooks=Hooks(header="X-Served-By"))
    plan = replace(make_plan(), tested=tested, max_rps=90.0, generator_processes=3)

    assert variables_of(plan) == {
        "TWOFOLD_REPLICA_HEADER": "X-Served-By",
        "TWOFOLD_ADDRESS": "web.example=10.0.0.7",
        "TWOFOLD_MAX_RPS": "30.0",
    }


def test_a_module_of_the_generator_imports_nothing_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clashing(tmp_path))
    job = {"replicas": {}, "path": "/", "connections": 1, "watch_s": 0}

    answer = a_stack(WEB, Hooks(), tmp_path).run_module(
        "loadtests.generator.keep_alive", json.dumps(job)
    )

    assert json.loads(answer) == {}


def test_without_a_header_no_answer_names_a_replica() -> None:
    """Another proxy's X-Upstream-Addr would be taken for one."""
    assert variables_of(replace(make_plan(), tested=WEB)) == {"TWOFOLD_REPLICA_HEADER": ""}


def test_several_machines_share_the_limit() -> None:
    workers = ("10.0.0.5:8089", "10.0.0.6:8089")
    plan = replace(make_plan(), tested=WEB, max_rps=90.0, generator_workers=workers)

    assert variables_of(plan)["TWOFOLD_MAX_RPS"] == "45.0"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://[::1]:8080", "[::1]"),
        ("http://10.0.0.7:8080", "10.0.0.7"),
        ("http://web:80", "web"),
    ],
)
def test_an_ipv6_address_is_in_brackets_in_urls(url: str, host: str, tmp_path: Path) -> None:
    assert a_stack(replace(WEB, url=url), Hooks(), tmp_path).proxy_host == host


def test_what_replicas_used_is_read_with_its_time_and_limit(tmp_path: Path) -> None:
    told = "web-1 12.5 0.3 at=1000.5 took=0.2 limit=0.5"
    stack = a_stack(WEB, Hooks(counters=printing(told)), tmp_path, names=("web-1",))

    (reading,) = stack.read({"gthread-1"})

    assert (reading.at_s, reading.took_s, reading.limit_cpus) == (1000.5, 0.2, 0.5)
    assert reading.elsewhere
    assert reading.asked_at_s is not None


def test_the_first_scaling_tells_how_long_the_run_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment, "STABLE_S", 0.1)
    web = FileDeployment(tmp_path, replicas=3)
    said: list[str] = []
    running = Deployment(web.hooks, said.append, before=3, now=3, note=lambda _: None)
    stack = ExternalStack(replace(make_plan(), tested=WEB), running, tmp_path)

    for replicas in (3, 1, 2):
        stack.scale_to(replicas)

    assert [line.partition(",")[0] for line in said] == [
        "Scaling the deployment to 3",  # it has that number, so it tells nothing
        "Scaling the deployment to 1",
        "Scaling took 0 s",
        "Scaling the deployment to 2",
    ]


def test_counters_of_other_names_than_the_replicas_stop_the_run_at_once(tmp_path: Path) -> None:
    """Docker's own names begin with a slash; otherwise the CPU would only be called late."""
    hooks = Hooks(counters=printing("/web-1 12.5"), replicas=printing("web-1"))
    stack = a_stack(WEB, hooks, tmp_path, names=("web-1",))

    with pytest.raises(
        EnvironmentFailure, match="names /web-1, which 'replicas' does not print: that names web-1"
    ):
        stack.read({"gthread-1"})


def test_a_replica_that_was_replaced_is_no_other_name(tmp_path: Path) -> None:
    hooks = Hooks(counters=printing("web-9 12.5"), replicas=printing("web-9"))
    stack = a_stack(WEB, hooks, tmp_path, names=("web-1",))

    assert stack.read({"gthread-1"}) == ()


def test_a_replica_without_counters_is_named_with_what_the_hook_said(tmp_path: Path) -> None:
    said = "import sys; print('web-2 has no program cat.', file=sys.stderr);"
    hooks = Hooks(counters=printing("web-1 12.5\nproxy 3", after=said))
    stack = a_stack(WEB, hooks, tmp_path, names=("web-1", "web-2"))

    stack.read({"gthread-1", "gthread-2"})

    assert stack.look_at_deployment().uncounted == (
        "The hook 'counters' prints no line for web-2, but names proxy, which 'replicas' does not"
        " print. It says: web-2 has no program cat."
    )


@pytest.mark.parametrize(
    ("identity", "node"),
    [
        ("8f-2 on worker-1, 0 restarts", "worker-1"),
        ("4711 node=box", "box"),
        ("node=box", "box"),
        ("8f-2 on , 0 restarts", None),
        ("depends on you", None),
        ("", None),
    ],
)
def test_the_node_of_a_replica_is_in_what_tells_it_from_its_successor(
    tmp_path: Path, identity: str, node: str | None
) -> None:
    stack = a_stack(WEB, Hooks(), tmp_path, names=("web-1",))
    stack._deployment._identities = {"web-1": identity}

    nodes = stack.look_at_deployment().nodes

    assert nodes == ({} if node is None else {"gthread-1": node})


@pytest.mark.parametrize("counters", [(), printing("web-1 12.5\nproxy 3")])
def test_nothing_is_left_out_where_every_replica_is_counted_or_nobody_counts(
    tmp_path: Path, counters: tuple[str, ...]
) -> None:
    stack = a_stack(WEB, Hooks(counters=counters), tmp_path, names=("web-1",))

    stack.read({"gthread-1"})

    assert stack.look_at_deployment().uncounted is None


def test_a_hook_that_tells_no_time_was_read_in_the_middle_of_its_run(tmp_path: Path) -> None:
    hooks = Hooks(counters=printing("web-1 12.5", after="import time; time.sleep(0.4);"))
    stack = a_stack(WEB, hooks, tmp_path, names=("web-1",))

    (reading,) = stack.read({"gthread-1"})

    assert reading.asked_at_s is not None
    assert reading.took_s > 0.4
    assert reading.at_s - reading.asked_at_s == pytest.approx(reading.took_s / 2)


@pytest.mark.parametrize("shares", [True, False])
def test_the_machines_cpu_is_not_read_where_the_deployment_is_on_it(
    tmp_path: Path, *, shares: bool
) -> None:
    stack = a_stack(replace(WEB, shares_machine=shares), Hooks(), tmp_path)

    assert (stack.read_host() is None) is shares


@pytest.mark.parametrize("node", ["worker-1", "node=Worker-1"])
def test_it_is_not_read_either_where_a_replica_is_on_the_node_of_this_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, node: str
) -> None:
    """The address inside a cluster of one node (ClusterIP) does not tell that it is here."""
    monkeypatch.setattr(socket, "gethostname", lambda: "worker-1")
    stack = a_stack(WEB, Hooks(), tmp_path, names=("web-1", "web-2"))
    here = node if "=" in node else f"8f-2 on {node}, 0 restarts"

    stack._deployment._identities = {"web-1": "8f-1 on worker-2, 0 restarts", "web-2": ""}
    assert stack.read_host() is not None
    stack._deployment._identities = {"web-1": "8f-1 on worker-2, 0 restarts", "web-2": here}
    assert stack.read_host() is None


def test_the_number_before_is_in_the_report(tmp_path: Path) -> None:
    (note,) = a_stack(WEB, Hooks(), tmp_path).notes

    assert note == "The deployment had 3 replicas before the run."
