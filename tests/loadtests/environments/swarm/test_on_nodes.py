"""The backend on the nodes of a real Swarm, which TWOFOLD_TEST_SWARM names.

TWOFOLD_TEST_SWARM=one=unix:///…/1.sock,two=unix:///…/2.sock     (the first is a manager)
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.environments.child_python import python_path
from loadtests.environments.swarm import stacks
from loadtests.tools.docker import RUN_LABEL
from loadtests.tools.docker.swarm import NodeEngine

NODES = dict(
    node.split("=", 1) for node in os.environ.get("TWOFOLD_TEST_SWARM", "").split(",") if node
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.docker,
    pytest.mark.skipif(not NODES, reason="TWOFOLD_TEST_SWARM names no nodes"),
]

CONFIGURATION = """
[tool.twofold]
target = "sample"
backend = "swarm"
[tool.twofold.swarm.nodes]
"""

RUN = ("run", "--workload", "io", "--workers", "gthread", "--replicas", "1,2", "--quick")

GONE_S = 30.0


@pytest.fixture
def project(tmp_path: Path) -> Path:
    lines = [f'{name} = "{url}"' for name, url in NODES.items()]
    (tmp_path / "twofold.toml").write_text(CONFIGURATION + "\n".join(lines) + "\n")
    return tmp_path


@pytest.fixture
def engines() -> Iterator[list[NodeEngine]]:
    made = [NodeEngine(url) for url in NODES.values()]
    yield made
    for engine in made:
        engine.close()


def started(project: Path) -> subprocess.Popen[str]:
    manager = next(iter(NODES.values()))
    return subprocess.Popen(
        (sys.executable, "-m", "loadtests", *RUN, "--out", str(project / "results")),
        cwd=project,
        env={**os.environ, **python_path(), "DOCKER_HOST": manager},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def left(engines: list[NodeEngine]) -> list[str]:
    """Return what is there of any run, on all nodes."""
    found = [name for name in engines[0].stacks() if stacks.NAME.fullmatch(name)]
    for engine in engines:
        listed = engine._client.api.containers(all=True, filters={"label": RUN_LABEL})
        found += [container["Names"][0] for container in listed]
        networks = engine._client.api.networks(filters={"label": RUN_LABEL})
        found += [network["Name"] for network in networks]
    return found


def placed(engines: list[NodeEngine]) -> list[int]:
    """Return how many replicas each node has."""
    return [
        sum(
            container["Labels"].get("com.docker.compose.service") == "gthread"
            for container in engine._client.api.containers(filters={"label": RUN_LABEL})
        )
        for engine in engines
    ]


def wait_for_replicas(engines: list[NodeEngine], process: subprocess.Popen[str]) -> list[int]:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        counts = placed(engines)
        if sum(counts) == 2:
            return counts
        time.sleep(0.3)
    raise AssertionError(f"No replicas: {process.communicate(timeout=60)[0]}")


def test_a_run_has_replicas_on_different_nodes_and_leaves_nothing(
    project: Path, engines: list[NodeEngine]
) -> None:
    process = started(project)
    counts = wait_for_replicas(engines, process)
    output, _ = process.communicate(timeout=240)

    assert sorted(counts)[-2:] == [1, 1]
    assert process.returncode in {0, 3}, output
    assert left(engines) == []


def test_a_replica_that_is_killed_while_it_is_measured_is_told(
    project: Path, engines: list[NodeEngine]
) -> None:
    process = started(project)
    wait_for_replicas(engines, process)
    journal = project / "results"
    while process.poll() is None and not any(
        file.stat().st_size for file in journal.glob("*/trials.jsonl")
    ):
        time.sleep(0.2)

    for engine in engines:
        for container in engine.containers(next(iter(engines[0].stacks()))):
            if (container.service, container.number) == ("gthread", 2):
                engine._client.api.kill(container.id)

    output, _ = process.communicate(timeout=240)
    assert process.returncode == 3, output
    assert "gthread-2" in output
    assert left(engines) == []


@pytest.fixture
def generators(engines: list[NodeEngine]) -> Iterator[None]:
    """Label the second node and the third one as generators, for one test."""
    manager = next(iter(NODES.values()))
    ids = [str(engine.swarm()["NodeID"]) for engine in engines[1:3]]
    change = ("docker", "--host", manager, "node", "update")
    for node in ids:
        subprocess.run((*change, "--label-add", "twofold.role=generator", node), check=True)
    yield
    for node in ids:
        subprocess.run((*change, "--label-rm", "twofold.role", node), check=True)


@pytest.mark.skipif(len(NODES) < 3, reason="two nodes generate the load, and a third one has it")
@pytest.mark.usefixtures("generators")
def test_two_nodes_make_the_load_and_their_clocks_are_compared(
    project: Path, engines: list[NodeEngine]
) -> None:
    process = started(project)
    output, _ = process.communicate(timeout=300)

    assert process.returncode in {0, 3}, output
    (journal,) = (project / "results").glob("*/trials.jsonl")
    trials = [json.loads(line) for line in journal.read_text().splitlines()]
    health = [trial["generator"] for trial in trials]
    assert all(each["lost_workers"] == 0 for each in health)
    assert max(each["clock_error_ms"] for each in health) < 25.0
    assert all(trial["network"] for trial in trials)
    assert left(engines) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_on_any_node_after_a_signal(
    project: Path, engines: list[NodeEngine], number: signal.Signals
) -> None:
    process = started(project)
    wait_for_replicas(engines, process)

    process.send_signal(number)
    process.communicate(timeout=60)

    deadline = time.monotonic() + GONE_S
    while left(engines) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert left(engines) == []
