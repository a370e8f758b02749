"""A deployment as it is, in a file of its folder. ``printed`` reads that file, too."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import files, procfs

STATE = "deployment.json"
LOCK = "deployment.lock"

PORT = 8080
"""The port at which it is loaded."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the deployment is made of: ids of images, the replicas' variables, and the budgets.

    ``idle`` is what nginx may keep of idle connections to a replica (how many, seconds), or None.
    """

    name: str
    owner: str
    app: str
    proxy: str
    probe: str
    env: Mapping[str, str]
    cpus: float
    replica_cores: tuple[int, ...]
    proxy_cores: tuple[int, ...]
    template: str
    idle: tuple[int, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Member:
    """A replica; ``started`` tells its process from a later one with the same id.

    The files are those of its control group; ``usage_file`` is empty in version 2, whose
    ``stat_file`` has both figures.
    """

    number: int
    container: str
    pid: int
    started: str
    address: str
    stat_file: str = ""
    usage_file: str = ""

    @property
    def lives(self) -> bool:
        """Return whether its process runs."""
        facts = procfs.facts_of(self.pid)
        return facts is not None and facts.started == self.started


@dataclass(frozen=True, kw_only=True)
class State:
    """The deployment as it is; ``generation`` counts nginx's configurations."""

    order: Order
    proxy_host: str = ""
    generation: int = 0
    members: tuple[Member, ...] = field(default_factory=tuple)

    @property
    def url(self) -> str:
        """The address at which it is loaded."""
        return f"http://{self.proxy_host}:{PORT}"


# -- on disk --------------------------------------------------------------------------------------


def read(folder: Path) -> State:
    """Return the deployment in a folder; raise :class:`EnvironmentFailure` where there is none."""
    try:
        return parse((folder / STATE).read_text())
    except FileNotFoundError:
        raise EnvironmentFailure(f"There is no deployment in {folder}.") from None


def parse(text: str) -> State:
    """Return a deployment from the text of its file."""
    told: dict[str, Any] = json.loads(text)
    order: dict[str, Any] = told["order"]
    for name in ("replica_cores", "proxy_cores", "idle"):
        order[name] = None if order[name] is None else tuple(order[name])
    members = tuple(Member(**member) for member in told["members"])
    return State(**{**told, "order": Order(**order), "members": members})


def write(folder: Path, state: State) -> None:
    """Write a deployment's file, all of it or nothing."""
    text = json.dumps(asdict(state), indent=1) + "\n"
    files.write(folder / STATE, text, mode=files.ONLY_OWNER)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one command at a time change the deployment."""
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
