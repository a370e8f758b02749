"""The base for real, by whatever way this machine allows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.checkout import CHECKOUT

SCRIPT = CHECKOUT / "scripts" / "base_image.py"

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.parallel]


@pytest.fixture(scope="module")
def base() -> str:
    if (
        shutil.which("docker") is None
        or subprocess.run(("docker", "version"), capture_output=True, check=False).returncode != 0
    ):
        pytest.skip("no Docker engine answers")
    if os.geteuid() != 0:
        pytest.skip("debootstrap needs root")
    return subprocess.check_output((sys.executable, str(SCRIPT), "--own"), text=True).strip()


def in_base(base: str, *command: str) -> str:
    return subprocess.check_output(("docker", "run", "--rm", base, *command), text=True).strip()


def test_its_python_is_recent_and_makes_virtual_environments_with_pip(base: str) -> None:
    script = "python3 -m venv /tmp/venv && /tmp/venv/bin/pip --version && python --version"
    pip, python = in_base(base, "sh", "-c", script).splitlines()
    assert pip.startswith("pip ")
    assert tuple(map(int, python.removeprefix("Python ").split(".")))[:2] >= (3, 11)


def test_its_certificates_are_those_of_this_machine(base: str) -> None:
    script = "import ssl; print(len(ssl.create_default_context().get_ca_certs()))"
    assert int(in_base(base, "python3", "-c", script)) > 0


def test_a_second_time_the_same_one_is_given_at_once(base: str) -> None:
    again = subprocess.run(
        (sys.executable, str(SCRIPT), "--own"), capture_output=True, text=True, check=True
    )
    assert again.stdout.strip() == base
    assert again.stderr == ""
