"""The image of a user's application: its text, its context, and how a replica of it starts."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import pytest

from loadtests.environments.compose import project_image, projects
from loadtests.model.errors import EnvironmentFailure, ProcessFailure, UsageError
from loadtests.model.tested.target import Target
from loadtests.servers import registry as servers
from loadtests.targets import import_string
from loadtests.targets.application import build_failure, uninstalled
from loadtests.targets.application.requirements import Requirements
from loadtests.tools import docker
from loadtests.tools.docker import pulse
from loadtests.tools.proc import Completed
from tests.checkout import CHECKOUT
from tests.loadtests.targets.application.folders import make_folder

MODELS = servers.worker_models()
WORKERS = (MODELS["gthread"], MODELS["gevent"])
APP = "def app(environ, start_response): ...\n"


class Engine:
    def image_id(self, _: str) -> str:
        return "sha256:built"


class Built:
    """What the builder is given, instead of a builder."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: str | None = None) -> None:
        self.files: dict[str, str] = {}
        self.lines: list[str] = []
        self._error = error
        monkeypatch.setattr(docker, "build", self._build)

    def _build(self, argv: Sequence[str], **_: object) -> None:
        self.argv = argv
        folder = Path(argv[-1])
        self.files = {
            str(path.relative_to(folder)): path.read_text()
            for path in folder.rglob("*")
            if path.is_file()
        }
        if self._error is not None:
            raise EnvironmentFailure(self._error)

    def of(self, folder: Path) -> str:
        return project_image.build(
            cast("docker.Engine", Engine()),
            CHECKOUT,
            import_string.find("shop:app", folder),
            base="base:1",
            say=self.lines.append,
            workers=WORKERS,
        )


def commands(text: str) -> list[str]:
    """Return the instructions of a Dockerfile, each in one line."""
    joined = text.replace("\\\n", " ")
    lines = (" ".join(line.split()) for line in joined.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def pinned(name: str) -> str:
    return f"{name}=={metadata.version(name)}"


def test_requirements_are_installed_before_the_code_and_servers_only_where_they_are_missing() -> (
    None
):
    needed = Requirements(kind="requirements.txt", files={"requirements.txt": "flask\n"})

    assert commands(project_image.dockerfile_of(CHECKOUT, needed, WORKERS)) == [
        "ARG BASE_IMAGE=python:3.13-slim-trixie",
        "FROM ${BASE_IMAGE}",
        "ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1",
        "WORKDIR /srv/project",
        "RUN python3 -m venv /venv",
        "COPY requirements/ /tmp/requirements/",
        "RUN /venv/bin/pip install --requirement /tmp/requirements/requirements.txt",
        *(
            f'RUN /venv/bin/python -c "import {name}" 2> /dev/null'
            f' || /venv/bin/pip install --quiet "{pinned(name)}"'
            for name in ("gunicorn", "gevent", "packaging")
        ),
        "COPY --chown=10001:10001 project/ /srv/project/",
        "RUN /venv/bin/python -m compileall -q /srv/project || true",
        "RUN chown 10001:10001 /srv/project",
        *("ENV PATH=/venv/bin:$PATH", "USER 10001:10001"),
        "EXPOSE 8000",
    ]


def test_a_lock_of_uv_is_installed_by_uv() -> None:
    needed = Requirements(kind="uv.lock", tool="uv", files={"uv.lock": "", "pyproject.toml": ""})

    text = project_image.dockerfile_of(CHECKOUT, needed, ())

    assert "uv sync --frozen --no-dev --no-install-workspace --inexact" in text
    assert "--requirement" not in text


@pytest.mark.parametrize("needs_code", [False, True])
def test_poetry_installs_what_a_project_needs_into_the_applications_environment(
    needs_code: bool,
) -> None:
    needed = Requirements(tool="poetry", files={"pyproject.toml": ""}, needs_code=needs_code)

    lines = commands(project_image.dockerfile_of(CHECKOUT, needed, ()))

    (install,) = (line for line in lines if line.startswith("RUN /opt/poetry/bin/python"))
    assert "/venv/bin/pip install --requirement /tmp/needed.txt --constraint" in install
    code = lines.index("COPY --chown=10001:10001 project/ /srv/project/")
    assert (lines.index(install) > code) is needs_code
    assert (" /srv/project /tmp/needed.txt" in install) is needs_code


def test_the_project_itself_is_installed_after_the_code_and_may_fail() -> None:
    needed = Requirements(files={"requirements.txt": ""}, own=(".", "./packages/lib"))

    lines = commands(project_image.dockerfile_of(CHECKOUT, needed, ()))

    code = lines.index("COPY --chown=10001:10001 project/ /srv/project/")
    said = " || echo {0} >> " + uninstalled.LIST
    install = "RUN /venv/bin/pip install --no-deps --editable {0}" + said
    assert lines[code + 1 : code + 3] == [install.format(place) for place in needed.own]


def test_what_lies_in_the_folder_is_installed_after_the_code() -> None:
    lines = commands(project_image.dockerfile_of(CHECKOUT, Requirements(local=("-e .",)), ()))

    assert lines.index("RUN /venv/bin/pip install -e .") > lines.index(
        "COPY --chown=10001:10001 project/ /srv/project/"
    )


def test_the_image_is_built_from_a_copy_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = Built(monkeypatch)
    make_folder(tmp_path, {"shop.py": APP, "requirements.txt": "flask\n", ".git/config": ""})

    assert built.of(tmp_path) == "sha256:built"

    assert set(built.files) == {
        "Dockerfile",
        "project/requirements.txt",
        "project/shop.py",
        "requirements/requirements.txt",
    }
    assert "BASE_IMAGE=base:1" in built.argv
    assert not Path(built.argv[-1]).exists()
    assert [path.name for path in tmp_path.iterdir() if path.name == "Dockerfile"] == []
    assert built.lines == [f"Building an image of {tmp_path} (requirements.txt)"]


def test_a_build_that_fails_is_told_without_a_folder_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = Built(monkeypatch, error="It does not build: no.\nTry it by hand: docker build /tmp/x")

    with pytest.raises(EnvironmentFailure) as error:
        built.of(make_folder(tmp_path, {"shop.py": APP}))

    assert str(error.value) == "It does not build: no."


def test_a_package_without_a_wheel_for_the_images_python_has_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = Built(monkeypatch, error="Step 7/13 failed: Getting requirements to build wheel: no")

    with pytest.raises(EnvironmentFailure) as error:
        built.of(make_folder(tmp_path, {"shop.py": APP}))

    assert str(error.value).splitlines()[1] == build_failure.OTHER_PYTHON


def test_folders_of_one_name_have_images_of_their_own() -> None:
    tags = {project_image.tag_of(Path(place)) for place in ("/home/ada/My Shop", "/srv/My Shop")}

    assert len(tags) == 2
    assert all(tag.startswith("twofold/project-my-shop-") for tag in tags)


def answering(
    monkeypatch: pytest.MonkeyPatch, text: str, code: int = 0, stderr: str = "no such image"
) -> list[Any]:
    """Let every container write this text; return how it is run."""
    calls: list[Any] = []

    def run(argv: Sequence[str], **options: Any) -> Completed:
        calls.append((argv, options))
        return Completed(argv=tuple(argv), code=code, stdout=text, stderr=stderr)

    monkeypatch.setattr(pulse, "run", run)
    return calls


SEEN = (
    '{"python": "3.13.5", "implementation": "CPython", "executable": "/venv/bin/python",'
    ' "application": "shop:app", "source": "src", "what": "function", "framework": null,'
    ' "version": null, "modules": {"gunicorn": "23.0.0"}, "interface": "wsgi", "missing": {}}'
)


@pytest.fixture
def tested(tmp_path: Path) -> Target:
    make_folder(tmp_path, {"shop.py": APP})
    return replace(import_string.find("shop", tmp_path), env={"SHOP_KEY": "secret"})


def test_the_application_is_imported_in_its_image_without_a_network(
    tested: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = answering(monkeypatch, SEEN)

    seen = project_image.inspect("sha256:built", tested, lambda _: None)

    assert (seen.application, seen.source) == ("shop:app", "src")
    assert seen.notes[0] == (
        f"Python: /venv/bin/python (of an image made from {tested.folder}), CPython 3.13.5,"
        " function."
    )
    ((argv, options),) = calls
    assert argv[:8] == (
        *("docker", "run", "--rm", "--interactive", "--network", "none"),
        *("--env", "SHOP_KEY"),
    )
    assert "secret" not in " ".join(argv)
    assert (options["env"], options["tied"]) == ({"SHOP_KEY": "secret"}, True)
    assert argv[8 : 8 + len(pulse.LIMITS)] == pulse.LIMITS
    # It has the name and the labels of a run's, so that what a killed harness leaves is removed.
    words = dict(itertools.pairwise(argv))
    labels = dict(
        text.split("=", 1) for word, text in itertools.pairwise(argv) if word == "--label"
    )
    assert projects.NAME.fullmatch(labels[docker.PROJECT_LABEL])
    assert words["--name"] == f"{labels[docker.PROJECT_LABEL]}-app"
    assert {docker.RUN_LABEL, docker.OWNER_LABEL} <= labels.keys()


def test_an_import_that_never_ends_leaves_no_container(
    tested: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, ...]] = []

    def run(argv: Sequence[str], **_: Any) -> Completed:
        calls.append(tuple(argv))
        if argv[1] == "run":
            raise ProcessFailure("it did not end in 30 s and was killed.")
        return Completed(argv=tuple(argv), code=0, stdout="", stderr="")

    monkeypatch.setattr(pulse, "run", run)

    with pytest.raises(ProcessFailure, match="did not end"):
        project_image.inspect("sha256:built", tested, lambda _: None)

    name = calls[0][calls[0].index("--name") + 1]
    assert calls[1] == ("docker", "rm", "--force", "--volumes", name)


def test_a_container_that_does_not_answer_is_told_with_what_it_wrote(
    tested: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, "", code=125)

    with pytest.raises(UsageError, match=r"(?s)image's Python.*code 125.*no such image"):
        project_image.inspect("sha256:built", tested, lambda _: None)


def test_a_project_for_another_python_is_told_how_to_name_a_base(
    tested: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, SEEN)
    make_folder(
        Path(tested.folder or ""), {"pyproject.toml": '[project]\nrequires-python = "<3.13"\n'}
    )

    with pytest.raises(UsageError, match=r"asks for Python <3\.13.*TWOFOLD_BASE_IMAGE"):
        project_image.inspect("sha256:built", tested, lambda _: None)


def test_projects_that_could_not_be_installed_are_told_with_every_run(
    tested: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, SEEN, stderr=f"{uninstalled.MARK}.\nother")

    notes = project_image.inspect("sha256:built", tested, lambda _: None).notes

    assert notes[-1].startswith("The project in the folder could not be installed in the image")


def test_an_import_that_fails_tells_what_could_not_be_installed(
    tested: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, "", code=1, stderr=f"{uninstalled.MARK}.\n")

    with pytest.raises(UsageError, match=r"importlib\.metadata does not know it"):
        project_image.inspect("sha256:built", tested, lambda _: None)


def test_a_module_that_the_image_lacks_is_told_with_where_to_name_it(
    tested: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_folder(Path(tested.folder or ""), {"Pipfile": ""})
    missing = {"kind": "raises", "step": "shop", "frames": [], "causes": []}
    missing["exception"] = "ModuleNotFoundError: No module named 'flask'"
    answering(monkeypatch, json.dumps({"failure": missing, "missing": {}}), code=1)

    with pytest.raises(UsageError) as error:
        project_image.inspect("sha256:built", tested, lambda _: None)

    assert str(error.value).endswith("pipenv requirements > requirements.txt")
    assert "--python" not in str(error.value)


def test_a_replica_starts_in_the_projects_folder_of_the_image(tested: Target) -> None:
    inspected = replace(
        tested, application="shop:app", source="src", modules={"gunicorn": "23.0.0"}
    )

    command = project_image.command(MODELS["sync"], inspected)

    assert command.argv[:5] == ("/venv/bin/python", "-m", "gunicorn", "--bind", "0.0.0.0:8000")
    assert command.argv[-1] == "shop:app"
    assert command.env["PYTHONPATH"] == "/srv/project/src"
    assert "SECRET_KEY" not in command.env


def test_the_command_has_no_import_path_of_the_variant_which_is_added_later(
    tested: Target,
) -> None:
    worker = replace(MODELS["sync"], env={"PYTHONPATH": "secret-place"})

    command = project_image.command(worker, replace(tested, application="shop:app"))

    assert command.env["PYTHONPATH"] == "/srv/project"
