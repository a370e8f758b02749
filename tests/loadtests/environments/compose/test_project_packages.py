"""The servers that the image of a project gets."""

from __future__ import annotations

import json

import pytest

from loadtests.environments.compose import project_image
from loadtests.model.errors import UsageError
from loadtests.model.tested.target import Interface, Target, TargetKind
from loadtests.servers import registry as servers
from loadtests.targets.application.requirements import Requirements
from tests.checkout import CHECKOUT


def test_a_server_of_the_projects_own_under_another_name_is_not_replaced() -> None:
    needed = Requirements(kind="requirements.txt", files={"requirements.txt": "uWSGI\n"})
    uwsgi = servers.worker_models()["uwsgi-threads"]

    text = project_image.dockerfile_of(CHECKOUT, needed, (uwsgi,))

    asked = "from importlib.metadata import version; version('uwsgi')"
    (install,) = [line for line in text.splitlines() if 'install --quiet "pyuwsgi' in line]
    assert text.index(asked) < text.index(install)


def test_an_async_application_is_started_by_a_server_that_serves_it() -> None:
    models = servers.worker_models()
    tested = Target(
        kind=TargetKind.IMPORT_STRING,
        given="main:app",
        name="main:app",
        application="main:app",
        interface=Interface.ASGI,
    )

    command = project_image.command(models["uvicorn"], tested)

    job = json.loads(command.argv[-1])
    assert [*job["files"].values()] == ["import main as _module\n\napplication = _module.app\n"]
    assert job["argv"][:3] == ["/venv/bin/python", "-m", "uvicorn"]
    with pytest.raises(UsageError, match=r"main:app is an asynchronous .* the variant sync serves"):
        project_image.command(models["sync"], tested)
