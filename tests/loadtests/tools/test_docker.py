"""Command lines, and what an engine said of containers that once ran (``tests/data/docker``)."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import ConnectionError as EngineGone
from urllib3.exceptions import ProtocolError

from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import docker, proc
from loadtests.tools.docker import Compose, Container, Engine, NetworkKept, parse_container
from tests.checkout import CHECKOUT

DATA = CHECKOUT / "tests/data" / "docker"


def captured(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text())
    return found


# -- what the engine says of containers --------------------------------------------------------


def test_a_container_that_runs_is_read() -> None:
    description = captured("running")

    found = parse_container(description)

    assert found == Container(
        id=description["Id"],
        service="gthread",
        number=2,
        image=description["Image"],
        started_at=description["State"]["StartedAt"],
        running=True,
        exit_code=0,
        out_of_memory=False,
        pid=description["State"]["Pid"],
        address=found.address,
    )
    assert found.pid > 0
    assert found.address.count(".") == 3


@pytest.mark.parametrize(
    ("name", "exit_code", "out_of_memory"),
    [("paused", 0, False), ("killed", 137, False), ("out-of-memory", 137, True)],
)
def test_a_container_that_does_not_serve_does_not_run(
    name: str, exit_code: int, out_of_memory: bool
) -> None:
    found = parse_container(captured(name))

    assert not found.running
    assert (found.exit_code, found.out_of_memory) == (exit_code, out_of_memory)


# -- an engine that answers, fails, or is gone -------------------------------------------------


def an_engine(**api: Any) -> Engine:
    """Give an engine whose low-level client has these answers."""
    engine = Engine.__new__(Engine)
    engine.version = "20.10"
    images = SimpleNamespace(get=api.pop("image", None))
    engine._client = SimpleNamespace(  # type: ignore[assignment]
        api=SimpleNamespace(**api), images=images, info=api.get("info"), close=lambda: None
    )
    return engine


def fails(error: Exception) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


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


def test_an_image_that_is_not_there_has_no_digest() -> None:
    assert an_engine(image=fails(NotFound("no such image"))).image_id("twofold/app") is None
    assert an_engine(image=lambda _: SimpleNamespace(id="sha256:1")).image_id("x") == "sha256:1"


def test_a_container_that_is_gone_has_no_counters() -> None:
    assert an_engine(stats=fails(NotFound("no such container"))).stats("c") is None


def test_a_log_that_cannot_be_had_says_why() -> None:
    assert an_engine(logs=fails(APIError("no such\ncontainer"))).log("c") == "(no log: no such)"
    assert an_engine(logs=lambda *_, **__: b"\xff line").log("c") == "\ufffd line"


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

    assert [each.number for each in engine.containers("p")] == [9, 10]


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


# -- command lines -----------------------------------------------------------------------------


def test_an_image_is_built_from_a_folder_and_a_base() -> None:
    argv = docker.build_argv(
        tag="twofold/app:latest",
        folder=Path("app"),
        dockerfile=Path("app/Dockerfile"),
        base_image="base:1",
    )

    assert argv == (
        *("docker", "build", "--tag", "twofold/app:latest", "--force-rm"),
        *("--file", "app/Dockerfile", "--build-arg", "BASE_IMAGE=base:1", "app"),
    )


def test_a_program_in_a_container_is_joined_by_its_streams() -> None:
    assert docker.exec_argv("c1", "python", "-V") == (
        *("docker", "exec", "--interactive", "c1", "python", "-V"),
    )


@pytest.mark.parametrize(
    ("cpus", "cores", "words"),
    [
        (0.1, (1,), ("--cpus=0.1", "--cpuset-cpus=1")),
        (None, (2, 3), ("--cpuset-cpus=2,3",)),
        (0.25, (), ("--cpus=0.25",)),
    ],
)
def test_containers_are_held_to_the_means_that_there_are(
    cpus: float | None, cores: tuple[int, ...], words: tuple[str, ...]
) -> None:
    argv = docker.update_argv(["a", "b"], cpus=cpus, cores=cores)

    assert argv == ("docker", "update", *words, "a", "b")


def test_a_compose_command_names_project_and_files() -> None:
    compose = Compose(argv=("docker-compose",), version="1.29.2")

    assert compose.command("up", project="p", files=[Path("compose.yaml"), Path("more.json")]) == (
        *("docker-compose", "--project-name", "p"),
        *("--file", "compose.yaml", "--file", "more.json", "up"),
    )


def test_services_are_started_as_often_as_asked() -> None:
    assert docker.up_words({"gthread": 4, "sync": 2}, ("gthread", "sync", "proxy")) == (
        *("up", "--detach", "--no-build", "--no-color", "--scale=gthread=4", "--scale=sync=2"),
        *("gthread", "sync", "proxy"),
    )


# -- which programs are there ------------------------------------------------------------------


def answering(monkeypatch: pytest.MonkeyPatch, **answers: tuple[int, str]) -> None:
    """Let programs on PATH answer with these codes and words; ``docker_compose`` is the plugin."""

    def run(argv: tuple[str, ...], **_: object) -> proc.Completed:
        name = "plugin" if argv[:2] == ("docker", "compose") else argv[0].replace("-", "_")
        if name not in answers:
            raise ProcessFailure(f"{argv[0]} hangs")
        code, stdout = answers[name]
        return proc.Completed(argv=argv, code=code, stdout=stdout, stderr="")

    monkeypatch.setattr(proc, "run", run)
    monkeypatch.setattr(proc, "which", lambda name: f"/usr/bin/{name}")


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ({"plugin": (0, "2.29.1\n")}, ("docker compose", "2.29.1")),
        ({"plugin": (0, "v2.3.3\n")}, ("docker compose", "2.3.3")),
        ({"plugin": (1, ""), "docker_compose": (0, "1.29.2\n")}, ("docker-compose", "1.29.2")),
        (
            {"plugin": (0, "Docker\n"), "docker_compose": (0, "1.29.2")},
            ("docker-compose", "1.29.2"),
        ),
        ({"docker_compose": (0, "1.29.2\n")}, ("docker-compose", "1.29.2")),
    ],
)
def test_the_plugin_is_taken_before_the_old_program(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, tuple[int, str]], found: tuple[str, str]
) -> None:
    answering(monkeypatch, **answers)

    compose = docker.find_compose()

    assert (" ".join(compose.argv), compose.version) == found


def test_without_any_compose_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proc, "which", lambda _: None)

    with pytest.raises(EnvironmentFailure, match=r"Install the Compose plugin.*processes"):
        docker.find_compose()


def test_an_image_that_does_not_build_is_told_with_the_builders_last_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(*_: object, **__: object) -> None:
        raise ProcessFailure("code 1", output="no matching distribution")

    monkeypatch.setattr(proc, "run", run)

    with pytest.raises(
        EnvironmentFailure,
        match=r"(?s)image of the app does not build.*no matching.*by hand: docker build app",
    ):
        docker.build(("docker", "build", "app"), what="the app", on_line=print)


@pytest.mark.parametrize(("answers", "came"), [({"docker": (0, "")}, True), ({}, False)])
def test_a_pull_tells_whether_the_image_came(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, tuple[int, str]], came: bool
) -> None:
    answering(monkeypatch, **answers)

    assert docker.pull("python:3.13") is came


CONTEXT = '[{"Endpoints": {"docker": {"Host": "%s"}}}]'


@pytest.mark.parametrize(
    ("host", "context", "local"),
    [
        ("", CONTEXT % "unix:///var/run/docker.sock", True),
        ("", CONTEXT % "ssh://somewhere", False),
        ("", "not JSON", True),
        ("unix:///run/other.sock", CONTEXT % "ssh://somewhere", True),
        ("tcp://10.0.0.1:2375", CONTEXT % "unix:///var/run/docker.sock", False),
    ],
)
def test_an_engine_is_local_where_it_is_reached_by_a_file(
    monkeypatch: pytest.MonkeyPatch, host: str, context: str, local: bool
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    answering(monkeypatch, docker=(0, context))

    assert docker.is_local() is local
