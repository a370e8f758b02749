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

    with pytest.raises(UsageError) as refused:
        inspection.inspect("shop:app", python=sys.executable, folder=folder, env={}, modules=())

    assert str(refused.value).startswith(
        "shop:app is an application of aiohttp, which has a server of its own: neither a WSGI nor"
        " an ASGI server serves it."
    )
    assert works in str(refused.value)


def test_a_setting_beside_a_variable_that_is_missing_is_not_advised(tmp_path: Path) -> None:
    code = (
        "raise RuntimeError('Requested setting LOGGING_CONFIG, but it is not set. You must define"
        " the environment variable SHOP_SETTINGS_MODULE before accessing settings.')\n"
    )

    with pytest.raises(UsageError) as refused:
        inspection.inspect(
            "shop:app",
            python=sys.executable,
            folder=make_folder(tmp_path, {"shop.py": code}),
            env={},
            modules=(),
        )

    assert str(refused.value).endswith(
        "\nVariables that it asks for, and that are not set: SHOP_SETTINGS_MODULE."
        " Set what it needs: --env SHOP_SETTINGS_MODULE=VALUE"
    )
