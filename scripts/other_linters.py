#!/usr/bin/env python3
"""Read what is not Python with its linters: scripts, Dockerfiles, workflows, pinned packages.

    .venv/bin/python scripts/other_linters.py

``scripts/set_up.py --lint`` gets the programs. A missing one is said and left out, and so is
pip-audit where its data cannot be reached: the command works without a network.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent

LIMIT_S = 120
AUDIT_LIMIT_S = 45
"""Data that takes longer to come cannot be reached."""

SCRIPTS = (".ci/run", "compose/proxy/start-when-configured", "compose/store/start-store")
DOCKERFILES = ("app", "compose", "scripts")
"""Folders whose Dockerfiles are read."""

LOCKS = ("app/requirements.txt", "loadtests/generator/requirements.txt", "requirements/harness.txt")

HADOLINT_IGNORED = (
    "DL3006",  # the base image is an argument: its tag is the builder's
    "DL3007",  # images on ours: the sample's :latest was built a moment before
    "DL3008",  # Debian's packages: a stable release has one version of each
)


@dataclass(frozen=True, kw_only=True)
class Linter:
    """A program with its command line, and whether it needs data from elsewhere."""

    argv: tuple[str, ...]
    needs_data: bool = False

    @property
    def name(self) -> str:
        """Its program."""
        return self.argv[0]


def linters(project: Path) -> tuple[Linter, ...]:
    """Return all linters, with the files of a checkout."""
    ignored = [word for code in HADOLINT_IGNORED for word in ("--ignore", code)]
    return (
        Linter(argv=("shellcheck", *SCRIPTS)),
        Linter(
            argv=(
                *("hadolint", "--no-color", "--failure-threshold", "warning"),
                *(*ignored, *dockerfiles(project)),
            )
        ),
        Linter(argv=("zizmor", "--offline", "--quiet", ".github", "action.yml")),
        *(
            Linter(
                argv=(
                    *("pip-audit", "--progress-spinner", "off", "--format", "json"),
                    *("--disable-pip", "--require-hashes", "--requirement", lock),
                ),
                needs_data=True,
            )
            for lock in LOCKS
        ),
    )


def dockerfiles(project: Path) -> list[str]:
    """Return the Dockerfiles of a checkout, from its folder."""
    return sorted(
        str(path.relative_to(project))
        for folder in DOCKERFILES
        for path in (project / folder).rglob("Dockerfile")
    )


def main(
    programs: Path = Path(sys.executable).parent, stamp: Path = PROJECT / ".cache" / "audited"
) -> int:
    """Run the linters that are there, and return 1 if one of them finds something.

    The same packages are looked up once a day; ``stamp`` remembers it.
    """
    failed = False
    today = state(PROJECT)
    is_known = stamp.is_file() and stamp.read_text() == today
    unreachable = False
    missing: dict[str, None] = {}
    for linter in linters(PROJECT):
        program = programs / linter.name
        if not program.exists():
            missing.setdefault(linter.name)
        elif not (linter.needs_data and (unreachable or is_known)):
            if linter.needs_data:
                found = audited((str(program), *linter.argv[1:]))
                unreachable |= found is None
                failed |= bool(found)
            else:
                failed |= ended_badly((str(program), *linter.argv[1:]))
    if not missing and not failed and not unreachable:
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(today)
    if missing:
        say(f"Not installed, so left out: {', '.join(missing)}.")
    if unreachable:
        say("pip-audit cannot reach its data, so the pinned packages were not looked up.")
    return int(failed)


def state(project: Path) -> str:
    """Return a text that changes with the pinned packages, and from day to day."""
    pins = b"".join((project / lock).read_bytes() for lock in LOCKS)
    return f"{datetime.now(UTC).date()} {hashlib.sha256(pins).hexdigest()}"


def ended_badly(argv: Sequence[str]) -> bool:
    """Run a linter, which tells what it finds; return whether it found anything."""
    done = subprocess.run(argv, cwd=PROJECT, check=False, timeout=LIMIT_S)
    return done.returncode != 0


def audited(argv: Sequence[str]) -> bool | None:
    """Run pip-audit; return whether it found anything, or None where its data cannot be reached."""
    try:
        done = subprocess.run(
            argv,
            cwd=PROJECT,
            check=False,
            capture_output=True,
            text=True,
            timeout=AUDIT_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return None
    found = vulnerable(done.stdout)
    for line in found or ():
        say(line)
    return None if found is None else bool(found)


def vulnerable(text: str) -> list[str] | None:
    """Return a sentence for each vulnerability in pip-audit's output; None where it is none."""
    try:
        packages = json.loads(text)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return None
    return [
        f"{package['name']} {package.get('version', '')} has {entry['id']}."
        f" Mended in: {', '.join(entry.get('fix_versions') or ()) or 'no version yet'}."
        for package in packages
        for entry in package.get("vulns") or ()
    ]


def say(line: str) -> None:
    """Write a line to standard error."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
