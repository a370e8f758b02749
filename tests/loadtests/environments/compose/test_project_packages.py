"""The servers that the image of a project gets."""

from __future__ import annotations

from loadtests.environments.compose import project_image
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
