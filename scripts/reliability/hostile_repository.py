"""A repository as a stranger's pull request finds it: main does nothing, and the change does harm.

The gate is run in it as docs/how-to/strangers.md says: from a checkout of main, with the names of
two branches. The images are made from the hostile one, whose deed is a line of the Dockerfile.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from loadtests.tools import proc

BASE, HEAD = "main", "change"

WORDS = ("--base", BASE, "--head", HEAD, "--build-network", "none")

TARGETS: Mapping[str, str] = MappingProxyType({"Dockerfile": ".", "Compose": "compose.yaml:web"})
"""The forms of a repository, and how its configuration names the target."""

SERVICES = {"services": {"web": {"build": "."}}}

NOTHING = "nothing"

SELF = (
    *("-c", "user.name=campaign", "-c", "user.email=campaign@example.org"),
    *("-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null"),
)


def make(
    folder: Path,
    form: str,
    deed: str,
    *,
    image: str,
    arguments: Mapping[str, str] = MappingProxyType({}),
) -> Path:
    """Make the repository in an empty folder, with main checked out, and return it.

    ``arguments`` are those that the change gives to its build, in its Compose file.
    """
    (folder / "twofold.toml").write_text(configuration(form))
    if form == "Compose":
        (folder / "compose.yaml").write_text(json.dumps(SERVICES))
    _git(folder, "init", "--quiet")
    _git(folder, "symbolic-ref", "HEAD", f"refs/heads/{BASE}")
    _commit(folder, BASE, NOTHING, image)
    _git(folder, "checkout", "--quiet", "-b", HEAD)
    if arguments:
        build = {"context": ".", "args": dict(arguments)}
        (folder / "compose.yaml").write_text(json.dumps({"services": {"web": {"build": build}}}))
    _commit(folder, HEAD, deed, image)
    _git(folder, "checkout", "--quiet", BASE)
    return folder


def configuration(form: str) -> str:
    """Return the text of main's configuration, which is the one that counts."""
    return (
        f'target = "{TARGETS[form]}"\nhealth = "/healthz"\n\n'
        '[workloads.work]\nrequests = ["GET /cpu"]\n'
    )


def dockerfile(version: str, deed: str, image: str) -> str:
    """Return a version's Dockerfile; two versions differ even where both do nothing."""
    return f"FROM {image}\nENV HOSTILE={deed} VERSION={version}\n"


def _commit(folder: Path, version: str, deed: str, image: str) -> None:
    (folder / "Dockerfile").write_text(dockerfile(version, deed, image))
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", version)


def _git(folder: Path, *words: str) -> None:
    proc.run(("git", "-C", str(folder), *SELF, *words), timeout_s=20.0)
