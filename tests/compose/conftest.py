"""The engine's base image, and each Compose that the project promises to work with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

import pytest

from tests.checkout import CHECKOUT

PROJECT = CHECKOUT
COMPOSE_FILE = PROJECT / "compose" / "compose.yaml"
FETCHED = PROJECT / ".cache" / "compose" / "docker-compose"


def output_of(*command: str, **environment: str) -> str:
    return subprocess.run(
        command,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, **environment},
    ).stdout.strip()


def major_version_of(command: Sequence[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(
        (*command, "version", "--short"), capture_output=True, text=True, check=False
    )
    return done.stdout.strip().removeprefix("v")[:1] if done.returncode == 0 else ""


@pytest.fixture(scope="session")
def base() -> str:
    if (
        shutil.which("docker") is None
        or subprocess.run(("docker", "version"), capture_output=True, check=False).returncode != 0
    ):
        pytest.skip("no Docker engine answers")
    return output_of(sys.executable, str(PROJECT / "scripts" / "base_image.py"))


@pytest.fixture(scope="session", params=["plugin", "docker-compose 1.29"])
def compose(request: pytest.FixtureRequest, base: str) -> tuple[str, ...]:
    """Each Compose that the project promises to work with; the plugin is got where it is not."""
    old, plugin = ("docker-compose",), ("docker", "compose")
    if request.param != "plugin":
        if major_version_of(old) != "1":
            pytest.skip("docker-compose 1.29 is not installed here")
        return old
    if major_version_of(plugin):
        return plugin
    if not FETCHED.exists():
        script = PROJECT / "scripts" / "compose_plugin.py"
        subprocess.run((sys.executable, str(script), "--into", str(FETCHED.parent)), check=True)
    return (str(FETCHED),)
