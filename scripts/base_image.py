#!/usr/bin/env python3
"""Return the image that ours are built from: the official Python image, or one made here like it.

The engine's own copy comes first, then the registry. Where none answers, Debian is put together
by debootstrap with python3, venv and this machine's certificates, and imported into the engine:
about 40 seconds, once; this needs root. Standard output is the image's tag and nothing else.

    docker build --build-arg BASE_IMAGE=$(python3 scripts/base_image.py) ...
    sudo python3 scripts/base_image.py --own     # make one even where a registry answers
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

OFFICIAL = "python:3.13-slim-trixie"
SUITE = "trixie"
PACKAGES = ("ca-certificates", "python3", "python3-venv")
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
"""Where Debian's programs look for certificates; the host's bundle replaces it."""

ENVIRONMENT = (f"PIP_CERT={CA_BUNDLE}", f"SSL_CERT_FILE={CA_BUNDLE}")
"""Set in the image, so that pip trusts the bundle and not only the one that it brings along."""

LEFT_OUT = (
    *("./dev/*", "./proc/*", "./sys/*", "./tmp/*"),
    *("./var/cache/apt/*.bin", "./var/cache/apt/archives/*.deb", "./var/lib/apt/lists/*"),
    *("./usr/share/doc/*", "./usr/share/info/*", "./usr/share/locale/*", "./usr/share/man/*"),
)
"""Nothing that a container needs: the official slim images leave out the same."""

PULL_LIMIT_S = 120
"""The image has about 45 MB. Where packets are dropped instead of refused, nothing else ends it."""

POLICY = "#!/bin/sh\nexit 101\n"
"""Packages start no services while an image is built (Debian's policy-rc.d: 101 is "forbidden")."""


class BaseImageError(Exception):
    """The base cannot be made; the message names the way out."""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tag of a base that the engine now has, and give the exit code."""
    options = parser().parse_args(argv)
    try:
        bundle = host_bundle()
        own = options.tag or default_tag(bundle, options.suite)
        wants_own = options.own or options.tag or options.suite != SUITE
        found = own if wants_own else find(own)
        if not is_there(found):
            make(own, bundle, options.suite, options.mirror)
    except BaseImageError as error:
        say(f"error: {error}")
        return 4
    print(found)
    return 0


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    made.add_argument("--own", action="store_true", help="not the official image")
    made.add_argument("--tag", help="name of an own one (default: twofold/base:<hash of recipe>)")
    made.add_argument("--suite", default=SUITE, help=f"another Debian's own one (default: {SUITE})")
    made.add_argument("--mirror", help="a Debian mirror (default: debootstrap's own)")
    return made


def find(own: str) -> str:
    """Return the official image if it is here or comes, else the name of an own one."""
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
    """Return this machine's file of certificates, which may hold an authority of its own."""
    paths = ssl.get_default_verify_paths()
    for candidate in (os.environ.get(paths.openssl_cafile_env), CA_BUNDLE, paths.cafile):
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    raise BaseImageError(
        f"This machine has no file of certificates: {CA_BUNDLE} does not exist. Install"
        " ca-certificates, or set SSL_CERT_FILE to such a file."
    )


def default_tag(bundle: Path, suite: str = SUITE) -> str:
    """Name the base by what it is made from: this recipe and these certificates."""
    recipe = hashlib.sha256(Path(__file__).read_bytes() + bundle.read_bytes())
    return f"twofold/base:{suite}-{recipe.hexdigest()[:12]}"


def is_there(tag: str) -> bool:
    """Return whether the engine has the image; raise where no engine answers."""
    if shutil.which("docker") is None:
        raise BaseImageError("The program 'docker' was not found. Install Docker Engine >= 20.10.")
    command = ("docker", "image", "ls", "--quiet", tag)
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise BaseImageError(f"The Docker engine does not answer: {found.stderr.strip()}")
    return bool(found.stdout.strip())


def make(tag: str, bundle: Path, suite: str, mirror: str | None) -> None:
    """Make an own base and import it; what was made on the way is removed again."""
    started = time.monotonic()
    if os.geteuid() != 0:
        raise BaseImageError(
            f"Making {tag} needs root, for debootstrap. Run once: "
            f"sudo {sys.executable} {Path(__file__).resolve()} --tag {tag} --suite {suite}"
        )
    need_debootstrap()
    with tempfile.TemporaryDirectory(prefix="twofold-base-", dir="/var/tmp") as folder:
        root = Path(folder) / "root"
        say(f"Making a base image of Debian {suite}: about 40 s ...")
        include = f"--include={','.join(PACKAGES)}"
        command = ("debootstrap", "--variant=minbase", include, suite, str(root))
        run(*command, *([mirror] if mirror else []), log=Path(folder) / "log")
        finish(root, bundle)
        say(f"Importing it as {tag} ...")
        load(root, tag)
    say(f"{tag} is made, in {time.monotonic() - started:.0f} s.")


def need_debootstrap() -> None:
    """Install debootstrap where it is missing and Debian's or Ubuntu's apt-get can."""
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
    """Put in what an image needs and a plain Debian has not."""
    shutil.copyfile(bundle, root / CA_BUNDLE.lstrip("/"))
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text(POLICY, encoding="utf-8")
    policy.chmod(0o755)
    (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")


def load(root: Path, tag: str) -> None:
    """Stream the folder into the engine as an image of one layer."""
    excludes = [f"--exclude={pattern}" for pattern in LEFT_OUT]
    changes = [f"--change=ENV {setting}" for setting in ENVIRONMENT]
    changes += ["--change=LABEL io.twofold.base=1", '--change=CMD ["python3"]']
    pack = ("tar", "-C", str(root), "--numeric-owner", *excludes, "-cf", "-", ".")
    unpack = ("docker", "import", *changes, "-", tag)
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as archive:
        done = subprocess.run(
            unpack, stdin=archive.stdout, capture_output=True, text=True, check=False
        )
    if done.returncode != 0 or archive.returncode != 0:
        raise BaseImageError(f"`docker import` failed: {done.stderr.strip()}")


def run(*command: str, log: Path | None = None) -> None:
    """Run a program to its end; the end of its output goes into the message if it fails."""
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )
    if log is not None:
        log.write_text(done.stdout, encoding="utf-8")
    if done.returncode != 0:
        tail = "\n".join(done.stdout.strip().splitlines()[-5:])
        raise BaseImageError(f"`{command[0]}` ended with code {done.returncode}:\n{tail}")


def say(line: str) -> None:
    """Tell a person how far it is."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
