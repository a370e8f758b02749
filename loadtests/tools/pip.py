"""pip: brings modules into a folder, for the Python of this process or for another one."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtests.model.errors import ProcessFailure, UsageError
from loadtests.tools import proc

LIMIT_S = 180.0
"""Time to download some modules over a slow network."""

MANYLINUX = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
"""The platforms of wheels that run in the generator's image (Debian trixie, glibc 2.41)."""

LINES = 5
"""Lines of pip's output that a message quotes."""


def install_argv(
    requirements: Path, folder: Path, *, python: str | None = None, machine: str = ""
) -> tuple[str, ...]:
    """Return the command that installs ``requirements`` into ``folder``.

    With ``python``, such as ``3.13``, it is for another interpreter on Linux and ``machine``, for
    which only wheels can be had. pip runs in the requirements' folder, which is the user's, and
    imports nothing from there (``-P``).
    """
    other: Sequence[str] = ()
    if python is not None:
        platforms = (f"{name}_{machine or platform.machine()}" for name in MANYLINUX)
        other = (
            *("--python-version", python, "--implementation", "cp", "--only-binary", ":all:"),
            *(word for name in platforms for word in ("--platform", name)),
        )
    return (
        *(sys.executable, "-P", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-input", "--target", str(folder), *other, "--requirement", str(requirements)),
    )


def install(
    requirements: Path, folder: Path, *, python: str | None = None, machine: str = ""
) -> None:
    """Install ``requirements`` into ``folder``; raise :class:`UsageError` with pip's last lines."""
    argv = install_argv(requirements, folder, python=python, machine=machine)
    try:
        proc.run(argv, timeout_s=LIMIT_S, cwd=requirements.parent)
    except ProcessFailure as error:
        if "No module named pip" in error.output:
            raise UsageError(
                "--generator-requirements needs pip beside twofold: python -m ensurepip"
            ) from error
        lines = "\n".join(error.output.strip().splitlines()[-LINES:])
        raise UsageError(f"pip cannot install {requirements}:\n{lines}") from error
