"""Images of applications that are really built, from the projects that people have."""

from __future__ import annotations

from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from loadtests.environments.compose import images, project_image
from loadtests.model.errors import UsageError
from loadtests.servers import registry as servers
from loadtests.targets import import_string
from loadtests.targets.application import inspection
from loadtests.tools import docker
from loadtests.tools.docker import pulse
from tests.checkout import CHECKOUT
from tests.loadtests.targets.application.folders import make_folder

MODELS = servers.worker_models()


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.parallel
def test_an_image_is_really_built_and_its_application_imported(tmp_path: Path) -> None:
    """The classic builder or BuildKit, whichever the engine has."""
    code = (
        "import os\nKEY = os.environ['SHOP_KEY']\nfrom flask import Flask\napp = Flask(__name__)\n"
    )
    folder = make_folder(tmp_path, {"src/shop.py": code, "requirements.txt": "flask\n"})
    engine = docker.Engine()
    try:
        base = images.base_image(engine, CHECKOUT, say=lambda _: None)
        target = import_string.find("shop", folder)
        image = project_image.build(
            engine, CHECKOUT, target, base=base, say=lambda _: None, workers=(MODELS["sync"],)
        )

        with pytest.raises(UsageError, match=r"(?s)src/shop.py:2.*--env SHOP_KEY=VALUE"):
            project_image.inspect(image, target, lambda _: None)
        seen = project_image.inspect(image, replace(target, env={"SHOP_KEY": "k"}), lambda _: None)

        assert (seen.application, seen.source) == ("shop:app", "src")
        assert (seen.modules or {})["gunicorn"] == metadata.version("gunicorn")
        assert inspection.PACKAGE not in str(seen)
    finally:
        pulse.run(("docker", "rmi", project_image.tag_of(folder)), check=False)
        engine.close()


POETRY = (
    "[tool.poetry]\npackage-mode = false\n"
    '[tool.poetry.dependencies]\npython = ">=3.9"\nflask = "^3"\n'
)
BUILT = (
    '[project]\nname = "shop"\nversion = "1.2"\ndependencies = ["flask"]\n'
    '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
)
ASKS_ITSELF = (
    "from importlib.metadata import version\nVERSION = version('shop')\n"
    "from flask import Flask\napp = Flask(__name__)\n"
)
PLAIN = "from flask import Flask\napp = Flask(__name__)\n"
LOCK = '[[package]]\nname = "flask"\nversion = "3.0.3"\n'
PYLOCK = LOCK.replace("[[package]]", "[[packages]]")
LISTED = BUILT.partition("[build-system]")[0]
PINNED = (
    "from importlib.metadata import version\nassert version('flask') == '3.0.3'\n"
    "from flask import Flask\napp = Flask(__name__)\n"
)


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize(
    ("files", "target", "told"),
    [
        ({"shop.py": PLAIN, "pyproject.toml": POETRY}, "shop", False),
        ({"shop.py": PINNED, "pyproject.toml": POETRY, "poetry.lock": LOCK}, "shop", False),
        ({"shop.py": PINNED, "pyproject.toml": LISTED, "pdm.lock": LOCK}, "shop", False),
        ({"shop.py": PINNED, "pylock.toml": PYLOCK}, "shop", False),
        ({"src/shop/__init__.py": ASKS_ITSELF, "pyproject.toml": BUILT}, "shop", False),
        # Nothing there can be built, so it is told and the application still starts.
        (
            {"shop.py": PLAIN, "requirements.txt": "flask\n", "setup.py": "raise SystemExit(1)\n"},
            "shop",
            True,
        ),
    ],
)
def test_a_project_of_poetry_and_the_project_itself_are_really_installed(
    tmp_path: Path, files: dict[str, str], target: str, told: bool
) -> None:
    folder = make_folder(tmp_path, files)
    engine = docker.Engine()
    try:
        base = images.base_image(engine, CHECKOUT, say=lambda _: None)
        tested = import_string.find(target, folder)
        image = project_image.build(
            engine, CHECKOUT, tested, base=base, say=lambda _: None, workers=(MODELS["sync"],)
        )

        seen = project_image.inspect(image, tested, lambda _: None)

        assert seen.application == "shop:app"
        assert any("could not be installed" in note for note in seen.notes) is told
    finally:
        pulse.run(("docker", "rmi", project_image.tag_of(folder)), check=False)
        engine.close()
