"""Which containers the campaign looks at, and what is asked of those that belong to no stack."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from loadtests.environments.compose.projects import labels_of
from loadtests.environments.compose.tested.start import listening
from loadtests.tools.docker import pulse
from scripts.reliability import containers
from scripts.reliability.container_lines import CONTAINERS, IMAGES, role_of
from scripts.reliability.record import Broken

IMPORT = pulse.container_argv(
    "sha256:1",
    *("-c", "pass"),
    entrypoint="/venv/bin/python",
    name="twofold-import-1a2b-0-1-app",
    labels=labels_of("twofold-import-1a2b-0-1"),
)
HELPER = listening.helper_argv("c0ffee", "run-1", "twofold-ports-1a2b-0-1")


def as_created(argv: tuple[str, ...]) -> dict[str, Any]:
    """Return what the engine would say of a container that is created by these words."""
    given: dict[str, str] = {}
    words = list(argv)
    for name, value in pairwise(words):
        if name.startswith("--"):
            given.setdefault(name, value)
    return {
        "Config": {"User": "10001", "Image": "sha256:1" if "sha256:1" in words else "tag"},
        "Mounts": [],
        "NetworkSettings": {"Networks": {}},
        "HostConfig": {
            "CapDrop": None,
            "SecurityOpt": [given["--security-opt"]],
            "NetworkMode": given["--network"],
            "Memory": int(given["--memory"].removesuffix("g")) << 30,
            "PidsLimit": int(given["--pids-limit"]),
            "RestartPolicy": {"Name": "no"},
            "LogConfig": {"Type": "json-file", "Config": {}},
        },
    }


@pytest.mark.parametrize("argv", [IMPORT, HELPER], ids=["import", "helper"])
def test_an_import_and_a_helper_hold_each_line_or_are_excepted_with_a_reason(
    argv: tuple[str, ...],
) -> None:
    name = argv[argv.index("--name") + 1]
    role = role_of(name)
    found = as_created(argv)

    broken = {line.source for line in CONTAINERS if not line.holds(found)}
    excepted = {line.source for line in CONTAINERS if role in line.exceptions}

    assert role in {"import", "helper"}
    assert broken == excepted


def test_a_container_is_created_by_the_words_that_would_run_it() -> None:
    assert containers.created(IMPORT) == ("docker", "create", *IMPORT[3:])
    with pytest.raises(Broken, match="another command"):
        containers.created(("docker", "exec", "x"))


def test_a_run_whose_store_was_not_seen_is_not_held() -> None:
    seen = [f"run-{role}-1" for role in ("gthread", "proxy", "generator", "metronome")]

    with pytest.raises(Broken, match="not seen: store"):
        containers.hold_to_roles("run", seen)
    assert "store" in containers.hold_to_roles("run", [*seen, "run-store-1"])


def test_the_image_of_the_store_may_be_without_a_healthcheck() -> None:
    (line,) = (line for line in IMAGES if line.source == "CIS 4.6")

    assert set(line.exceptions) == {"app", "proxy", "generator", "metronome", "store"}
