#!/usr/bin/env python3
"""Print the tag of the base image: the official Python image, or a similar one made here.

It prefers the engine's own copy, then the registry. If no registry answers, debootstrap builds a
Debian with python3, venv and this machine's certificates, and the engine imports it. That takes
about 40 seconds, once, and needs root. Standard output is the image's tag and nothing else.

    docker build --build-arg BASE_IMAGE=$(python3 scripts/base_image.py) ...
    sudo python3 scripts/base_image.py --own     # make one even where a registry answers
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

OFFICIAL = "python:3.13-slim-trixie"
SUITE = "trixie"
PACKAGES = ("ca-certificates", "python3", "python3-venv")
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
"""Debian's file of certificates; the host's file replaces it in the image."""

ENVIRONMENT = (f"PIP_CERT={CA_BUNDLE}", f"SSL_CERT_FILE={CA_BUNDLE}")
"""Set in the image, so that pip trusts this file and not only its own."""

LEFT_OUT = (
    *("./dev/*", "./proc/*", "./sys/*", "./tmp/*"),
    *("./var/cache/apt/*.bin", "./var/cache/apt/archives/*.deb", "./var/lib/apt/lists/*"),
    *("./usr/share/doc/*", "./usr/share/info/*", "./usr/share/locale/*", "./usr/share/man/*"),
)
"""Files that no container needs; the official slim images leave out the same."""

PULL_LIMIT_S = 120
"""Time limit for a pull of 45 MB; a firewall that drops packets would let it wait for ever."""

ENGINE_LIMIT_S = 20
"""Time limit for a list of images; an engine that hangs would let it wait for ever."""

IMPORT_LIMIT_S = 300
DEBOOTSTRAP_LIMIT_S = 900

FOLDERS = Path("/var/tmp")  # noqa: S108  mkdtemp makes a new folder there
PREFIX = "twofold-base-"
"""Where images are made, and how the folders for it are called."""

MOUNTS = Path("/proc/self/mountinfo")

POLICY = "#!/bin/sh\nexit 101\n"
"""Debian's policy-rc.d: 101 forbids packages to start services while an image is built."""


FINISHED = 1
"""Version of ``finish`` and ``load``, which makes the image another one."""


class BaseImageError(Exception):
    """The base image cannot be made; the message says what to do."""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tag of a base image that the engine now has; return the exit code."""
    options = parser().parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        bundle = host_bundle()
        own = options.tag or default_tag(bundle, options.suite)
        wants_own = options.own or options.tag or options.suite != SUITE
        tag = own if wants_own else find(own)
        if not is_there(tag):
            make(own, bundle, options.suite, options.mirror)
    except BaseImageError as error:
        say(f"error: {error}")
        return 4
    print(tag)
    return 0


def stop(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001  a handler's signature
    """End this program by a signal, after it has removed what it made."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # nothing may interrupt the removal
    raise SystemExit(128 + number)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    arguments.add_argument("--own", action="store_true", help="make an own image in any case")
    arguments.add_argument("--tag", help="tag of the own image (default: twofold/base:<hash>)")
    arguments.add_argument(
        "--suite", default=SUITE, help=f"make an image of this Debian (default: {SUITE})"
    )
    arguments.add_argument("--mirror", help="a Debian mirror (default: debootstrap's own)")
    return arguments


def find(own: str) -> str:
    """Return the official image if the engine has it or can pull it, else ``own``."""
    if is_there(OFFICIAL):
        return OFFICIAL
    if is_there(own):
        return own
    say(f"Pulling {OFFICIAL} ...")
    command = ("docker", "pull", "--quiet", OFFICIAL)
    try:
        pulled = subprocess.run(command, capture_output=True, timeout=PULL_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return own
    return OFFICIAL if pulled.returncode == 0 else own


def host_bundle() -> Path:
    """Return this machine's file of certificates, which may contain a company's authority."""
    paths = ssl.get_default_verify_paths()
    for candidate in (os.environ.get(paths.openssl_cafile_env), CA_BUNDLE, paths.cafile):
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    raise BaseImageError(
        f"This machine has no file of certificates: {CA_BUNDLE} does not exist. Install"
        " ca-certificates, or set SSL_CERT_FILE to such a file."
    )


def default_tag(bundle: Path, suite: str = SUITE) -> str:
    """Return the tag of the image made here: a hash of its recipe and the certificates."""
    recipe = repr((PACKAGES, CA_BUNDLE, ENVIRONMENT, LEFT_OUT, POLICY, FINISHED))
    digest = hashlib.sha256(recipe.encode() + bundle.read_bytes())
    return f"twofold/base:{suite}-{digest.hexdigest()[:12]}"


def is_there(tag: str) -> bool:
    """Return whether the engine has the image; raise if no engine answers."""
    if shutil.which("docker") is None:
        raise BaseImageError("The program 'docker' was not found. Install Docker Engine >= 20.10.")
    command = ("docker", "image", "ls", "--quiet", tag)
    try:
        listed = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=ENGINE_LIMIT_S
        )
    except subprocess.TimeoutExpired as error:
        raise BaseImageError(
            f"The Docker engine does not answer in {ENGINE_LIMIT_S} s. Restart it."
        ) from error
    if listed.returncode != 0:
        raise BaseImageError(f"The Docker engine does not answer: {listed.stderr.strip()}")
    return bool(listed.stdout.strip())


def make(tag: str, bundle: Path, suite: str, mirror: str | None) -> None:
    """Build a base image and import it; temporary files are removed."""
    started = time.monotonic()
    if os.geteuid() != 0:
        raise BaseImageError(
            f"Making {tag} needs root, for debootstrap. Run once: "
            f"sudo {sys.executable} {Path(__file__).resolve()} --tag {tag} --suite {suite}"
        )
    need_debootstrap()
    with own_folder() as folder:
        root = folder / "root"
        say(f"Making a base image of Debian {suite}: about 40 s ...")
        include = f"--include={','.join(PACKAGES)}"
        command = ("debootstrap", "--variant=minbase", include, suite, str(root))
        run(*command, *([mirror] if mirror else []), log=folder / "log")
        finish(root, bundle)
        say(f"Importing it as {tag} ...")
        load(root, tag)
    say(f"{tag} is made, in {time.monotonic() - started:.0f} s.")


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    """Provide a new folder, and remove it at the end with what is mounted in it.

    It is locked, so that another process can tell whether its maker lives. Those of dead makers are
    removed first.
    """
    for folder in FOLDERS.glob(f"{PREFIX}*"):
        remove_abandoned(folder)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=FOLDERS))
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    finally:
        remove(folder)
        os.close(lock)


def remove_abandoned(folder: Path) -> None:
    """Remove a folder of this user that its maker no longer locks."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # no folder, a link, or somebody else's
        return
    try:
        if os.fstat(lock).st_uid == os.geteuid():
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            say(f"Removing {folder}, left by a process that was killed ...")
            remove(folder)
    except OSError:  # its maker lives
        pass
    finally:
        os.close(lock)


def remove(folder: Path) -> None:
    """Unmount what debootstrap has mounted in a folder, then remove it.

    Nothing is removed while anything is mounted: it could be the machine's own devices.
    """
    for place in mounted_in(folder):
        command = ("umount", "--lazy", place)
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(command, capture_output=True, timeout=ENGINE_LIMIT_S, check=False)
    left = mounted_in(folder)
    if left:
        say(f"{folder} stays: {', '.join(left)} cannot be unmounted. Unmount it, and remove it.")
        return
    shutil.rmtree(folder, ignore_errors=True)


def mounted_in(folder: Path) -> list[str]:
    """Return the places below a folder where something is mounted, the deepest first."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:  # no Linux
        return []
    places = [line.split()[4] for line in lines]
    return sorted((place for place in places if place.startswith(f"{folder}/")), reverse=True)


def need_debootstrap() -> None:
    """Install debootstrap by apt-get if it is missing."""
    if shutil.which("debootstrap"):
        return
    if shutil.which("apt-get") is None:
        raise BaseImageError(
            "The program 'debootstrap' was not found, nor apt-get to install it. Install it, or "
            "give an image that has Python >= 3.11 and venv as TWOFOLD_BASE_IMAGE."
        )
    say("Installing debootstrap ...")
    run("apt-get", "update", "--quiet")
    run("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "debootstrap")


def finish(root: Path, bundle: Path) -> None:
    """Add what an image needs to a plain Debian: certificates, policy and ``python``."""
    shutil.copyfile(bundle, root / CA_BUNDLE.lstrip("/"))
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text(POLICY, encoding="utf-8")
    policy.chmod(0o755)
    (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")


def load(root: Path, tag: str) -> None:
    """Import the folder into the engine as an image with one layer."""
    excludes = [f"--exclude={pattern}" for pattern in LEFT_OUT]
    changes = [f"--change=ENV {setting}" for setting in ENVIRONMENT]
    changes += ["--change=LABEL io.twofold.base=1", '--change=CMD ["python3"]']
    pack = ("tar", "-C", str(root), "--numeric-owner", *excludes, "-cf", "-", ".")
    unpack = ("docker", "import", *changes, "-", tag)
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as archive:
        try:
            done = subprocess.run(
                unpack,
                stdin=archive.stdout,
                capture_output=True,
                text=True,
                check=False,
                timeout=IMPORT_LIMIT_S,
            )
        except subprocess.TimeoutExpired as error:
            archive.kill()
            raise BaseImageError(
                f"`docker import` did not end in {IMPORT_LIMIT_S} s. Does the engine answer?"
            ) from error
    if done.returncode != 0 or archive.returncode != 0:
        raise BaseImageError(f"`docker import` failed: {done.stderr.strip()}")


def run(*command: str, log: Path | None = None, limit_s: float = DEBOOTSTRAP_LIMIT_S) -> None:
    """Run a program to its end; if it fails or takes too long, raise with the end of its output.

    It is a process group of its own, which ends with it: debootstrap starts many programs.
    """
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        start_new_session=True,
    ) as program:
        try:
            stdout, _ = program.communicate(timeout=limit_s)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(program.pid, signal.SIGKILL)  # not reaped yet: the id is its own
            if isinstance(error, subprocess.TimeoutExpired):
                message = f"`{command[0]}` did not end in {limit_s:g} s and was killed."
                raise BaseImageError(message) from error
            raise
    if log is not None:
        log.write_text(stdout, encoding="utf-8")
    if program.returncode != 0:
        tail = "\n".join(stdout.strip().splitlines()[-5:])
        raise BaseImageError(f"`{command[0]}` ended with code {program.returncode}:\n{tail}")


def say(line: str) -> None:
    """Write a line of progress to standard error."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
