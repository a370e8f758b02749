"""What Compose is given to bring up a gate's stack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loadtests.environments.compose import lanes
from loadtests.environments.compose.images import ServiceImages
from loadtests.environments.compose.lanes import LANES
from loadtests.environments.compose.projects import Project
from loadtests.gate import stack
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.versions import Sides
from loadtests.tools import docker, docker_compose
from tests.checkout import CHECKOUT
from tests.loadtests.environments.compose.fake_engine import COMPOSE, FakeEngine, without_watchdog
from tests.loadtests.gate.builders import make_gate_plan, make_side

VARIABLES = {SideName.BASE: {"TOKEN": "hunter1"}, SideName.HEAD: {"TOKEN": "hunter2", "B": "$x"}}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Project:
    """The project of a gate's stack that was opened and closed."""
    projects: list[Project] = []
    make = lanes.LaneStack

    def noted(project: Project, *rest: object, **settings: object) -> object:
        projects.append(project)
        return make(project, *rest, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(stack, "LaneStack", noted)
    monkeypatch.setattr(docker, "Engine", FakeEngine)
    monkeypatch.setattr(docker, "is_local", lambda: False)
    monkeypatch.setattr(docker_compose, "find_compose", lambda: COMPOSE)
    monkeypatch.setattr("loadtests.tools.proc.run", lambda *_, **__: None)
    without_watchdog(monkeypatch)
    sides = Sides(
        base=make_side(SideName.BASE),
        head=make_side(SideName.HEAD),
        differences=(),
        variables=VARIABLES,
    )
    services = ServiceImages(proxy="sha256:" + "1" * 64, generator="sha256:" + "2" * 64)
    with stack.open_stack(
        CHECKOUT, make_gate_plan(), "gthread", sides, services, tmp_path, lambda _: None
    ):
        pass
    return projects[0]


def test_each_version_gets_its_own_variables_through_composes_environment(opened: Project) -> None:
    services = json.loads(opened.files[1].read_text())["services"]

    assert set(services) == {f"{side}-{lane}" for side in SideName for lane in LANES}
    for side in SideName:
        for lane in LANES:
            passed = services[f"{side}-{lane}"]["environment"]
            given = {name: opened.variables[source[2:-1]] for name, source in passed.items()}
            assert given == VARIABLES[side]


def test_no_value_of_a_variable_is_in_a_file_of_the_gate(opened: Project, tmp_path: Path) -> None:
    written = [path for path in tmp_path.rglob("*") if path.is_file()]

    assert written
    assert not [path for path in written if "hunter" in path.read_text()]


def test_the_images_of_all_services_are_used_and_recorded_by_their_ids(
    opened: Project, tmp_path: Path
) -> None:
    recorded = json.loads((tmp_path / "compose.images.json").read_text())

    assert recorded["TWOFOLD_PROXY_IMAGE"] == "sha256:" + "1" * 64
    assert recorded["TWOFOLD_GENERATOR_IMAGE"] == "sha256:" + "2" * 64
