"""What is wrong with an application, in words that fit its folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from loadtests.model.errors import UsageError
from loadtests.targets.application import inspection
from tests.loadtests.targets.application.folders import make_folder

AIOHTTP = "class Application: ...\n"
OWN = "import aiohttp\napp = aiohttp.Application()\n"


def refused(folder: Path, code: str, *, limit_s: float = 30.0) -> str:
    with pytest.raises(UsageError) as error:
        inspection.inspect(
            "shop:app",
            python=sys.executable,
            folder=make_folder(folder, {"shop.py": code}),
            env={},
            modules=(),
            limit_s=limit_s,
        )
    return str(error.value)


@pytest.mark.parametrize(
    ("files", "works"),
    [
        ({}, "starts that server (`--image shop:1.2`)."),
        ({"Dockerfile": "FROM scratch"}, "that server (`twofold run .`, `--image shop:1.2`)."),
        ({"Containerfile": "FROM scratch"}, "that server (`twofold run .`, `--image shop:1.2`)."),
    ],
)
def test_a_folders_dockerfile_is_advised_only_where_there_is_one(
    tmp_path: Path, files: dict[str, str], works: str
) -> None:
    folder = make_folder(tmp_path, {"shop.py": OWN, "aiohttp.py": AIOHTTP, **files})

    with pytest.raises(UsageError) as error:
        inspection.inspect("shop:app", python=sys.executable, folder=folder, env={}, modules=())

    assert str(error.value).startswith(
        "shop:app is an application of aiohttp, which has a server of its own: neither a WSGI nor"
        " an ASGI server serves it."
    )
    assert works in str(error.value)


def test_a_setting_beside_a_variable_that_is_missing_is_not_advised(tmp_path: Path) -> None:
    code = (
        "raise RuntimeError('Requested setting LOGGING_CONFIG, but it is not set. You must define"
        " the environment variable SHOP_SETTINGS_MODULE before accessing settings.')\n"
    )

    assert refused(tmp_path, code).endswith(
        "\nVariables that it asks for, and that are not set: SHOP_SETTINGS_MODULE."
        " Set what it needs: --env SHOP_SETTINGS_MODULE=VALUE"
    )


def test_what_an_application_wrote_before_it_left_is_told(tmp_path: Path) -> None:
    told = refused(tmp_path, "import sys\nprint('There is no config.yml.')\nsys.exit(1)\n")

    assert told.endswith(
        "It ends the process: SystemExit: 1\nThe end of its output:\nThere is no config.yml."
    )


def test_an_application_that_reads_the_command_line_finds_a_servers(tmp_path: Path) -> None:
    told = refused(tmp_path, "import argparse\nargparse.ArgumentParser().parse_args()\n")

    assert 'Read it below `if __name__ == "__main__":`.' in told
    assert told.endswith("error: unrecognized arguments: --bind 127.0.0.1:8000")


def test_what_an_import_waits_for_is_told_in_its_own_words(tmp_path: Path) -> None:
    code = "import time\nwhile True:\n    print('Waiting for db:5432')\n    time.sleep(0.1)\n"

    assert refused(tmp_path, code, limit_s=1).endswith("\nWaiting for db:5432")


def test_a_store_that_is_out_of_reach_has_a_way_out(tmp_path: Path) -> None:
    code = "raise OSError('Error 111 connecting to localhost:6379. Connection refused.')\n"

    assert "localhost is the container itself" in refused(tmp_path, code).splitlines()[-1]


def test_a_field_of_settings_without_a_value_is_a_variable(tmp_path: Path) -> None:
    code = (
        "import os\nA = os.getenv('A_B')\n"
        "raise ValueError('1 validation error for Settings\\n'\n"
        "'database_url\\n  Field required [type=missing, input_value={}]')\n"
    )

    assert refused(tmp_path, code).endswith(
        "that are not set: DATABASE_URL. Set what it needs: --env DATABASE_URL=VALUE"
    )


@pytest.mark.parametrize(("asked", "init"), [("app", ""), ("", None)])
def test_the_application_that_the_source_shows_is_named_where_the_import_finds_none(
    tmp_path: Path, asked: str, init: str | None
) -> None:
    """As in FastAPI's own examples, whose package ``app`` is empty itself."""
    files = {"app/main.py": "from flask import Flask\nfrom app import x\nshop = Flask('a')\n"}
    folder = make_folder(tmp_path, files if init is None else {**files, "app/__init__.py": init})

    with pytest.raises(UsageError) as error:
        inspection.inspect(asked, python=sys.executable, folder=folder, env={}, modules=())

    assert "ame it: " in str(error.value)
    assert "app.main:shop" in str(error.value).partition("ame it: ")[2]
