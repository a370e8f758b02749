"""Notes which number of replicas a deployment had before a run, for whoever has to put it back.

The note is made before anything is scaled, and goes away when the number has been put back. So the
watchdog, ``twofold down`` and the next run know it where a run died. It lies in the user's folder
for state (XDG Base Directory Specification), one file for each deployment.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from loadtests.environments.external.hooks import HookRunner, back_argv, by_hand, names_cluster
from loadtests.environments.owner import Owner, machine_id
from loadtests.environments.removal import KeptBySystem, Remains
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.tested.external import Hooks
from loadtests.tools import files

STATE = "XDG_STATE_HOME"
DEFAULT_STATE = ".local/state"
FOLDER = "twofold/deployments"


@dataclass(frozen=True, kw_only=True)
class Record:
    """A deployment that had ``before`` replicas, and was last given one of ``ours`` by a run.

    ``back`` is the command that puts the number back, and ``log`` a file in the run's folder.
    ``machine`` and ``host`` (its name) tell where the run is, since several machines may share the
    folder of notes; notes of earlier versions lack them.
    """

    path: Path
    hooks: Hooks
    owner: Owner
    before: int
    ours: tuple[int, ...]
    back: tuple[str, ...]
    log: str
    machine: str = ""
    host: str = ""

    @property
    def is_elsewhere(self) -> bool:
        """Whether the run is on another machine, so that nobody here can tell if it has ended.

        A machine that has only its boot's id has another one when it has been started again. It is
        then known by its host name.
        """
        if self.machine in {"", machine_id()}:
            return False
        return self.machine != self.owner.boot or self.host != socket.gethostname()

    @property
    def living(self) -> bool:
        """Whether the run may still go on."""
        return self.is_elsewhere or self.owner.may_live()


def path_of(hooks: Hooks) -> Path:
    """Return the note's file for the deployment that these hooks scale.

    The same words in another folder scale another deployment, unless they name the cluster.
    """
    words = hooks.scale
    if hooks.folder and not names_cluster(words):
        words = (hooks.folder, *words)
    name = hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]
    return folder() / f"{name}.json"


def folder() -> Path:
    """Return the folder of all notes."""
    state = os.environ.get(STATE)
    home = os.environ.get("HOME") or "/"
    return (Path(state) if state else Path(home) / DEFAULT_STATE) / FOLDER


def write(hooks: Hooks, before: int, ours: Sequence[int], log: Path) -> Path:
    """Note it, all of it or nothing; raise :class:`EnvironmentFailure` where that is impossible."""
    path = path_of(hooks)
    note = {
        "owner": Owner.this_process().as_label(),
        "machine": machine_id(),
        "host": socket.gethostname(),
        "hooks": asdict(hooks),
        "before": before,
        "ours": list(ours),
        "back": list(back_argv(hooks, before, ours)),
        "log": str(log.absolute()),
    }
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.write(path, json.dumps(note, indent=1), mode=files.ONLY_OWNER)
    except OSError as error:
        raise EnvironmentFailure(
            f"The deployment's number of replicas ({before}) cannot be noted in {path}"
            f" ({error.strerror}), so 'twofold down' will not know it. Name a folder that can be"
            f" written to: {STATE}=DIR."
        ) from error
    return path


def read(path: Path) -> Record | None:
    """Return a note; None where there is none, or not one of ours."""
    try:
        note: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        owner = Owner.from_label(note["owner"])
        hooks: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in note["hooks"].items()
        }
        if owner is None:
            return None
        return Record(
            path=path,
            hooks=Hooks(**hooks),
            owner=owner,
            before=int(note["before"]),
            ours=tuple(map(int, note["ours"])),
            back=tuple(map(str, note["back"])),
            log=str(note["log"]),
            machine=str(note.get("machine", "")),
            host=str(note.get("host", "")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def forget(path: Path) -> None:
    """Remove a note: the number has been put back."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def remains() -> tuple[Remains, ...]:
    """Return the deployments that runs have not put back; one of another machine may live."""
    records = filter(None, map(read, sorted(folder().glob("*.json"))))
    return tuple(
        Remains(
            name=(
                f"what `{by_hand(record.hooks, record.hooks.scale)}` scaled, which had"
                f" {record.before} replicas ({record.log})"
            ),
            living=record.living,
            remove=partial(restore, record),
        )
        for record in records
    )


def restore(record: Record) -> None:
    """Put a deployment's number back, unless it is one that no run gave it.

    Where only those that serve are known, the right number may serve while another one that a run
    asked for is on its way. So the order is given in any case. It is also where nobody can tell the
    number, as at the end of a run.
    """
    runner = HookRunner(record.hooks)
    try:
        now: int | None = runner.count()
    except EnvironmentFailure:
        now = None
    if now is not None and runner.is_foreign(now, {record.before, *record.ours}):
        forget(record.path)
        raise KeptBySystem(
            f"The deployment has {now} replicas, which no run gave it, so it is left as it is. It"
            f" had {record.before}: {by_hand(record.hooks, record.back)}"
        )
    if now != record.before or not runner.knows_count:
        runner.scale_back(record.before, record.ours)
    forget(record.path)
