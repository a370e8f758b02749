"""The engine's answers: some are captured ones of real containers (``tests/data/docker``)."""

import gc
import json
import socket
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import ConnectionError as EngineGone
from urllib3.exceptions import ProtocolError

from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import docker
from loadtests.tools.docker import Container, Engine, NetworkKept, NoEngine, parse_container, pulse
from tests.checkout import CHECKOUT

DATA = CHECKOUT / "tests/data" / "docker"


def captured(name: str) -> dict[str, Any]:
    description: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text())
    return description


# -- what the engine says of containers --------------------------------------------------------


def test_a_container_that_runs_is_read() -> None:
    description = captured("running")

    container = parse_container(description)

    assert container == Container(
        id=description["Id"],
        service="gthread",
        number=2,
        image=description["Image"],
        started_at=description["State"]["StartedAt"],
        running=True,
        exit_code=0,
        out_of_memory=False,
        pid=description["State"]["Pid"],
        address=container.address,
    )
    assert container.pid > 0
    assert container.address.count(".") == 3


@pytest.mark.parametrize("labels", [{docker.PROJECT_LABEL: "twofold-import-1"}, None])
def test_a_container_that_compose_did_not_make_has_its_own_name(
    labels: dict[str, str] | None,
) -> None:
    description = captured("running")
    description["Config"]["Labels"] = labels
    description["Name"] = "/twofold-import-1-app"

    container = parse_container(description)

    assert (container.service, container.number) == ("twofold-import-1-app", 1)


def test_a_container_that_the_engine_will_start_again_is_told() -> None:
    description = captured("running")
    description["State"] |= {"Restarting": True, "ExitCode": 1, "Pid": 0}

    container = parse_container(description)

    assert (container.restarting, container.running, container.exit_code) == (True, True, 1)


@pytest.mark.parametrize(
    ("networks", "address"),
    [
        ({}, ""),
        ({"p_stack": "10.0.0.2"}, "10.0.0.2"),
        ({"p_base": "10.0.0.2", "p_front": "10.1.0.2", "p_head": "10.2.0.2"}, "10.1.0.2"),
    ],
)
def test_a_container_in_several_networks_is_reached_in_front(
    networks: dict[str, str], address: str
) -> None:
    description = captured("running")
    description["NetworkSettings"]["Networks"] = {
        name: {"IPAddress": place} for name, place in networks.items()
    }

    assert parse_container(description).address == address


@pytest.mark.parametrize(
    ("name", "exit_code", "out_of_memory"),
    [("paused", 0, False), ("killed", 137, False), ("out-of-memory", 137, True)],
)
def test_a_container_that_does_not_serve_does_not_run(
    name: str, exit_code: int, out_of_memory: bool
) -> None:
    container = parse_container(captured(name))

    assert not container.running
    assert (container.exit_code, container.out_of_memory) == (exit_code, out_of_memory)


# -- an engine that answers, fails, or is gone -------------------------------------------------


def an_engine(**api: Any) -> Engine:
    """Give an engine whose low-level client has these answers."""
    engine = Engine.__new__(Engine)
    engine.version, engine.host = "20.10", None
    images = SimpleNamespace(get=api.pop("image", None))
    engine._client = SimpleNamespace(  # type: ignore[assignment]
        api=SimpleNamespace(**api), images=images, info=api.get("info"), close=lambda: None
    )
    return engine


def fails(error: Exception) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    answers = [True]  # a test may change it
    monkeypatch.setattr(pulse, "answers", lambda **_: answers[0])
    return answers


def test_a_containers_variables_are_read_from_its_configuration(answering: list[bool]) -> None:
    attributes = {"Config": {"Env": ["DATABASE_URL=postgresql://db/shop?a=b", "EMPTY=", "BARE"]}}

    told = an_engine(inspect_container=lambda _: attributes).variables("c")

    assert told == {"DATABASE_URL": "postgresql://db/shop?a=b", "EMPTY": ""}
    assert an_engine(inspect_container=lambda _: {"Config": {"Env": None}}).variables("c") == {}
    assert an_engine(inspect_container=fails(GONE)).variables("c") == {}
    assert an_engine(top=fails(GONE)).processes("c") == []

    answering[0] = False

    with pytest.raises(EnvironmentFailure, match="no longer answers"):
        an_engine(top=fails(GONE)).processes("c")


GONE = EngineGone("connection refused")


@pytest.mark.parametrize(
    ("ask", "api"),
    [
        (lambda engine: engine.containers("p"), "containers"),
        (lambda engine: engine.projects(), "containers"),
        (lambda engine: engine.stats("c"), "stats"),
        (lambda engine: engine.facts(), "info"),
        (lambda engine: engine.image_id("i"), "image"),
        (lambda engine: engine.remove("p"), "containers"),
    ],
)
@pytest.mark.parametrize("error", [GONE, APIError("server error"), DockerException("no socket")])
def test_an_engine_that_goes_away_is_one_message_with_a_way_out(
    ask: Callable[[Engine], Any], api: str, error: Exception
) -> None:
    with pytest.raises(EnvironmentFailure, match=r"twofold down"):
        ask(an_engine(**{api: fails(error)}))


def test_an_engine_that_never_answered_is_told_with_both_ways_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("docker.from_env", fails(DockerException("no such socket\nmore")))

    with pytest.raises(EnvironmentFailure, match=r"\(no such socket\).*--backend processes"):
        Engine()


@pytest.mark.parametrize(
    ("below", "reason"),
    [
        (
            ProtocolError("Connection aborted.", FileNotFoundError(2, "No such file")),
            "No such file",
        ),
        (PermissionError(13, "Permission denied"), "Permission denied"),
        (TimeoutError(), "Error while fetching"),
    ],
)
def test_the_reason_is_in_the_systems_own_words_where_there_are_any(
    monkeypatch: pytest.MonkeyPatch, below: Exception, reason: str
) -> None:
    error = DockerException("Error while fetching\nserver API version")
    error.__cause__ = EngineGone(below)
    monkeypatch.setattr("docker.from_env", fails(error))

    with pytest.raises(EnvironmentFailure, match=rf"No Docker engine answers \({reason}\)\."):
        Engine()


@pytest.fixture
def bound() -> Iterator[socket.socket]:
    """A socket with a short name, on which nobody listens yet."""
    with (
        tempfile.TemporaryDirectory(prefix="test-of-twofold-") as folder,
        closing(socket.socket(socket.AF_UNIX)) as bound,
    ):
        bound.bind(f"{folder}/docker.sock")
        yield bound


def failure_at(path: str) -> EnvironmentFailure:
    """How an engine at this socket fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Docker's library does not close it
        with pytest.raises(EnvironmentFailure, match="No Docker engine answers") as failure:
            Engine(f"unix://{path}")
        gc.collect()
    return failure.value


def test_no_socket_and_one_that_nobody_listens_on_mean_that_there_is_no_engine(
    bound: socket.socket,
) -> None:
    refused = bound.getsockname()

    for path in (f"{refused}.missing", refused):
        assert isinstance(failure_at(path), NoEngine)


def test_an_engine_that_hangs_is_another_failure_than_none(
    bound: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound.listen()
    monkeypatch.setattr(docker, "ENGINE_LIMIT_S", 0.2)

    assert not isinstance(failure_at(bound.getsockname()), NoEngine)


def test_an_image_that_is_not_there_has_no_digest() -> None:
    assert an_engine(image=fails(NotFound("no such image"))).image_id("twofold/app") is None
    assert an_engine(image=lambda _: SimpleNamespace(id="sha256:1")).image_id("x") == "sha256:1"


def test_a_container_that_is_gone_has_no_counters() -> None:
    assert an_engine(stats=fails(NotFound("no such container"))).stats("c") is None


def test_a_log_that_cannot_be_had_says_why(answering: list[bool]) -> None:
    assert an_engine(logs=fails(APIError("no such\ncontainer"))).log("c") == "(no log: no such)"
    assert an_engine(logs=lambda *_, **__: b"\xff line").log("c") == "\ufffd line"

    answering[0] = False

    with pytest.raises(EnvironmentFailure, match="no longer answers"):
        an_engine(logs=fails(GONE)).log("c")


def test_containers_come_by_service_and_number_and_one_that_has_gone_is_left_out() -> None:
    running = captured("running")

    def inspect(number: str) -> dict[str, Any]:
        if number == "gone":
            raise NotFound("no such container")
        labels = {**running["Config"]["Labels"], docker.NUMBER_LABEL: number}
        return {**running, "Config": {"Labels": labels}}

    engine = an_engine(
        containers=lambda **_: [{"Id": "10"}, {"Id": "gone"}, {"Id": "9"}],
        inspect_container=inspect,
    )

    assert [container.number for container in engine.containers("p")] == [9, 10]


def ours(project: str, name: str, owner: str = "") -> dict[str, Any]:
    """An object of one of our runs, as the engine lists containers, networks and volumes alike."""
    labels = {docker.PROJECT_LABEL: project, docker.RUN_LABEL: "a-run", docker.OWNER_LABEL: owner}
    return {"Id": name, "Name": name, "Names": [f"/{name}"], "Labels": labels}


def test_projects_are_those_of_anything_that_has_our_label_and_is_named_after_its_project() -> None:
    engine = an_engine(
        containers=lambda **_: [ours("b", "b_app_1"), ours("a", "a-app-1"), ours("a", "database")],
        networks=lambda **_: [ours("a", "a_stack", owner="1/2/3/4"), ours("web", "front")],
        volumes=lambda **_: {"Volumes": [ours("c", "c_data")]},
    )

    assert engine.projects() == {"a": "1/2/3/4", "b": "", "c": ""}


def test_only_what_has_our_label_and_a_projects_is_asked_for() -> None:
    asked: list[object] = []

    def nothing(*, filters: object, **_: object) -> dict[str, Any]:
        asked.append(filters)
        return {}

    engine = an_engine(containers=nothing, networks=nothing, volumes=nothing)

    engine.projects()

    assert asked == [{"label": [docker.RUN_LABEL, docker.PROJECT_LABEL]}] * 3


def test_what_is_removed_is_removed_in_an_order_that_works() -> None:
    done: list[str] = []
    engine = an_engine(
        containers=lambda **_: [ours("p", "p_one_1"), ours("p", "p_gone_1"), ours("q", "q_one_1")],
        networks=lambda **_: [ours("p", "p_net")],
        volumes=lambda **_: {"Volumes": [ours("p", "p_data"), ours("p", "precious")]},
        remove_container=lambda name, **_: (
            fails(NotFound("gone"))() if name == "p_gone_1" else done.append(name)
        ),
        remove_network=done.append,
        remove_volume=lambda name, **_: done.append(name),
    )

    engine.remove("p")

    assert done == ["p_one_1", "p_net", "p_data"]


@pytest.mark.parametrize(
    ("on_it", "expected"), [({}, NetworkKept), ({"one": {}}, EnvironmentFailure)]
)
def test_a_network_that_stays_is_told_from_one_that_is_still_used(
    on_it: dict[str, Any], expected: type[EnvironmentFailure]
) -> None:
    """The volumes go in the first case: such a network stays until the engine is restarted."""
    done: list[str] = []
    engine = an_engine(
        containers=lambda **_: [],
        networks=lambda **_: [ours("p", "p_net")],
        volumes=lambda **_: {"Volumes": [ours("p", "p_data")]},
        remove_network=fails(APIError("network net has active endpoints")),
        inspect_network=lambda _: {"Containers": on_it},
        remove_volume=lambda name, **_: done.append(name),
    )

    with pytest.raises(EnvironmentFailure) as caught:
        engine.remove("p")

    assert type(caught.value) is expected
    assert done == ([] if on_it else ["p_data"])
