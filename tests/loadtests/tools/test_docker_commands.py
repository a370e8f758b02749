"""Docker's and Compose's command lines, and which of the two programs answer."""

from pathlib import Path

import pytest

from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import docker, docker_compose, proc
from loadtests.tools.docker import contexts
from loadtests.tools.docker_compose import Compose

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


def test_a_budget_may_be_a_quota_of_a_period() -> None:
    argv = docker.update_argv(["a"], cpus=0.25, cores=(1,), period_us=100_000)

    words = ("--cpu-period=100000", "--cpu-quota=25000", "--cpuset-cpus=1")
    assert argv == ("docker", "update", *words, "a")
    assert docker.update_argv(["a"], cpus=None, cores=(1,), period_us=100_000) == (
        *("docker", "update", "--cpuset-cpus=1", "a"),
    )


def test_a_compose_command_names_project_and_files() -> None:
    compose = Compose(argv=("docker-compose",), version="1.29.2")

    assert compose.command("up", project="p", files=[Path("compose.yaml"), Path("more.json")]) == (
        *("docker-compose", "--project-name", "p"),
        *("--file", "compose.yaml", "--file", "more.json", "up"),
    )


def test_services_are_started_as_often_as_asked() -> None:
    assert docker_compose.up_words({"gthread": 4, "sync": 2}, ("gthread", "sync", "proxy")) == (
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
    ("answers", "expected"),
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
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, tuple[int, str]], expected: tuple[str, str]
) -> None:
    answering(monkeypatch, **answers)

    compose = docker_compose.find_compose()

    assert (" ".join(compose.argv), compose.version) == expected


def test_without_any_compose_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proc, "which", lambda _: None)

    with pytest.raises(EnvironmentFailure, match=r"Install the Compose plugin.*processes"):
        docker_compose.find_compose()


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
    monkeypatch.setenv("DOCKER_CONTEXT", "chosen")
    contexts._inspected.cache_clear()
    answering(monkeypatch, docker=(0, context))

    assert docker.is_local() is local


def test_an_engine_of_a_context_that_does_not_exist_is_not_taken_for_local(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONTEXT", "chosen")
    contexts._inspected.cache_clear()
    answering(monkeypatch, docker=(1, "[]"))

    with pytest.raises(EnvironmentFailure, match="context 'chosen' cannot be read"):
        docker.is_local()


# -- the user's Compose file -------------------------------------------------------------------

V1, V2 = (
    Compose(argv=("docker-compose",), version="1.29.2"),
    Compose(argv=("docker", "compose"), version="2.26.1"),
)


@pytest.mark.parametrize(
    ("compose", "last"), [(V1, ("config",)), (V2, ("config", "--format", "json"))]
)
def test_a_file_is_read_with_all_its_profiles_from_its_own_folder(
    compose: Compose, last: tuple[str, ...]
) -> None:
    argv = docker_compose.config_argv(compose, [Path("/t/c.yaml")], Path("/srv"), ["a", "b"])

    assert argv == (
        *compose.argv,
        *("--project-name", "twofold-config", "--file", "/t/c.yaml"),
        *("--project-directory", "/srv", "--profile", "a", "--profile", "b"),
        *last,
    )


def read_as(
    monkeypatch: pytest.MonkeyPatch, *, code: int = 0, stdout: str = "", stderr: str = ""
) -> docker_compose.Configured:
    def run(argv: tuple[str, ...], **_: object) -> proc.Completed:
        return proc.Completed(argv=argv, code=code, stdout=stdout, stderr=stderr)

    monkeypatch.setattr(proc, "run", run)
    return docker_compose.configured(V2, [Path("c.yaml")], Path("/srv"))


UNSET_V1 = "The TOKEN variable is not set. Defaulting to a blank string.\n"
UNSET_V2 = (
    'time="2026-11-28T19:29:43Z" level=warning msg="The \\"TOKEN\\" variable is not set.'
    ' Defaulting to a blank string."\n'
)


@pytest.mark.parametrize("stderr", [UNSET_V1, UNSET_V2 + UNSET_V2])
@pytest.mark.parametrize(
    "stdout", ['{"services": {"web": {"command": "a$$b"}}}', "services: {web: {command: a$$b}}"]
)
def test_what_compose_prints_is_read_with_the_variables_that_have_no_value(
    monkeypatch: pytest.MonkeyPatch, stdout: str, stderr: str
) -> None:
    configured = read_as(monkeypatch, stdout=stdout, stderr=stderr)

    assert configured.document == {"services": {"web": {"command": "a$b"}}}
    assert configured.unset == ("TOKEN",)


@pytest.mark.parametrize(
    ("stderr", "said"),
    [
        (UNSET_V1 + "Couldn't find env file: /srv/x.env\n", "Couldn't find env file: /srv/x.env"),
        (UNSET_V2 + "env file /srv/x.env not found: stat\n", "env file /srv/x.env not found: stat"),
        (
            "ERROR: The Compose file './c.yaml' is invalid because:\nservices.web.x is wrong\n",
            "The Compose file './c.yaml' is invalid because: services.web.x is wrong",
        ),
        ('time="now" level=fatal msg="no such file"\n', "no such file"),
        ("", "Compose said nothing"),
    ],
)
def test_the_first_thing_that_is_wrong_is_told(
    monkeypatch: pytest.MonkeyPatch, stderr: str, said: str
) -> None:
    with pytest.raises(docker_compose.ComposeFileError) as error:
        read_as(monkeypatch, code=1, stderr=stderr)

    assert str(error.value) == said


def test_composes_own_tags_are_read_as_their_values() -> None:
    text = "services: {web: {ports: !reset [], command: !override [a, b], env: !reset null}}"

    assert docker_compose.parse(text) == {
        "services": {"web": {"ports": [], "command": ["a", "b"], "env": "null"}}
    }


def test_the_tags_that_say_how_files_are_merged_can_be_kept() -> None:
    document = docker_compose.parse_with_tags(
        "web: {ports: !override [80], labels: !reset null, env: {A: !other a, B: !reset b}}"
    )

    ports = docker_compose.Tagged(tag=docker_compose.OVERRIDE, value=[80])
    assert document["web"]["ports"] == ports
    assert docker_compose.untagged(document) == {"web": {"ports": [80], "env": {"A": "a"}}}


def test_what_stands_behind_a_tag_counts_too() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 6)]
    lines.append("a: !override [*a4, *a5]")

    with pytest.raises(docker_compose.ComposeFileError, match=r"over 100,000 values"):
        docker_compose.parse_with_tags("\n".join(lines))


def test_several_files_are_read_in_their_order() -> None:
    argv = docker_compose.config_argv(V2, [Path("/a.yaml"), Path("/b.yaml")], Path("/"), [])

    assert argv[4:8] == ("--file", "/a.yaml", "--file", "/b.yaml")


def test_a_mistake_in_a_file_is_told_with_its_line() -> None:
    with pytest.raises(docker_compose.ComposeFileError, match=r"^line 2: "):
        docker_compose.parse("services:\n  web: }\n")


def test_services_are_stopped_within_a_grace_period() -> None:
    assert docker_compose.stop_words(["web"], grace_s=2) == ("stop", "--timeout", "2", "web")


def test_a_strangers_build_has_a_limit_of_memory_and_may_have_no_network() -> None:
    limits = ("--memory", "1000", "--memory-swap", "1000")

    assert docker.build_limits(network=None, memory_bytes=1000) == limits
    assert docker.build_limits(network="none", memory_bytes=1000) == (*limits, "--network", "none")


def test_a_compose_file_that_anchors_make_endlessly_large_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]

    with pytest.raises(docker_compose.ComposeFileError, match=r"over 100,000 values"):
        docker_compose.parse("\n".join(lines))


def test_a_compose_file_that_is_nested_without_end_is_refused() -> None:
    with pytest.raises(docker_compose.ComposeFileError, match="nested too deeply"):
        docker_compose.parse("a: " + "[" * 20_000)
