#!/usr/bin/env python3
"""Install the Compose v2 plugin for this user, on a machine that has Docker but no Compose.

apt-get downloads and checks Debian's package inside a container of the base image. So this needs no
root, and changes only one file on the machine:

    python3 scripts/compose_plugin.py                  # the user's own folder of Docker plugins
    python3 scripts/compose_plugin.py --into FOLDER    # anywhere; the file also runs by itself
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

FETCH = """
set -eu
cd /tmp
{ apt-get update && apt-get download docker-compose; } >&2
dpkg-deb --fsys-tarfile docker-compose_*.deb |
    tar --extract --to-stdout ./usr/libexec/docker/cli-plugins/docker-compose
"""
"""Writes the plugin to standard output, so that the container mounts no folder."""

LIMIT_S = 300
"""Time limit for 13 MB and a package index over a slow line."""

ENGINE_LIMIT_S = 20
"""Time limit for a removal; an engine that hangs would let it wait for ever."""


class PluginError(Exception):
    """The plugin cannot be installed; the message says why."""


def main(argv: Sequence[str] | None = None) -> int:
    """Install the plugin and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--into", type=Path, default=plugin_folder(), metavar="FOLDER")
    try:
        place(parser.parse_args(argv).into / "docker-compose")
    except PluginError as error:
        print(f"error: {error}", file=sys.stderr)
        return 4
    return 0


def plugin_folder() -> Path:
    """Return the folder in which the docker command looks for this user's plugins."""
    config = os.environ.get("DOCKER_CONFIG")
    return (Path(config) if config else Path.home() / ".docker") / "cli-plugins"


def place(path: Path) -> None:
    """Write the plugin to ``path``, whole or not at all."""
    if sys.platform != "linux":
        raise PluginError("Debian's plugin runs on Linux only; here Docker Desktop has Compose.")
    base = base_image()
    print(f"Getting the Compose plugin into {path.parent} ...", file=sys.stderr, flush=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            fetched = Path(folder) / path.name
            fetch(base, fetched)
            fetched.chmod(0o755)
            fetched.replace(path)
    except OSError as error:
        raise PluginError(f"{path} cannot be written ({error}). Try --into FOLDER.") from error


def base_image() -> str:
    """Return the tag of a Debian image that the engine has or can pull."""
    named = os.environ.get("TWOFOLD_BASE_IMAGE")
    if named:
        return named
    script = Path(__file__).with_name("base_image.py")
    done = subprocess.run((sys.executable, str(script)), stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise PluginError("Without a base image there is no container to fetch the plugin in.")
    return done.stdout.decode().strip()


def fetch(base: str, path: Path) -> None:
    """Extract the plugin from Debian's package to ``path``."""
    name = f"twofold-plugin-{os.getpid()}"
    run = ("docker", "run", "--rm", "--name", name, "--security-opt=no-new-privileges")
    command = (*run, base, "sh", "-c", FETCH)
    try:
        with path.open("wb") as plugin:
            done = subprocess.run(
                command, stdout=plugin, stderr=subprocess.PIPE, timeout=LIMIT_S, check=False
            )
    except BaseException as error:
        remove(name)  # the container outlives its client
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        raise PluginError(f"Debian's package did not come in {LIMIT_S} s.") from error
    if done.returncode != 0 or path.stat().st_size == 0:
        tail = done.stderr.decode(errors="replace").strip()[-500:]
        raise PluginError(f"Debian's package docker-compose could not be fetched:\n{tail}")


def remove(container: str) -> None:
    """Remove a container if it is there and the engine answers."""
    command = ("docker", "rm", "--force", container)
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(command, capture_output=True, timeout=ENGINE_LIMIT_S, check=False)


if __name__ == "__main__":
    sys.exit(main())
