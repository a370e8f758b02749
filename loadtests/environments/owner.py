"""Identifies the process that owns a stack.

A process id alone is not unique: ids are reused, and each PID namespace has its own. So an owner
also has the boot id, the namespace and the start time of the process.
"""

from __future__ import annotations

import os
import re
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from loadtests.tools import procfs

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PID_NAMESPACE = Path("/proc/self/ns/pid")

FIRST_NAMESPACE = "pid:[4026531836]"
"""The PID namespace of the machine itself: PROC_PID_INIT_INO in Linux's proc_ns.h."""

MACHINE_ID = Path("/etc/machine-id")
IS_MACHINE_ID = re.compile(r"[0-9a-f]{32}")

IS_PID = re.compile(r"[0-9]{1,10}")
"""Process ids of any system; a label may hold anything, and other digits are no number."""

SEPARATOR = "/"
"""Separates the fields of an owner in a label; no field contains it."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A process of a machine; fields that the system does not provide are empty."""

    pid: int
    started: str
    boot: str
    namespace: str = ""

    @classmethod
    def this_process(cls) -> Self:
        """Return the current process."""
        facts = procfs.facts_of(os.getpid())
        return cls(
            pid=os.getpid(),
            started=facts.started if facts else "",
            boot=boot_id(),
            namespace=_namespace(),
        )

    @classmethod
    def from_label(cls, text: str) -> Self | None:
        """Return the owner in a label of :meth:`as_label`, or None for any other text."""
        fields = text.split(SEPARATOR)
        if len(fields) != len(cls.__dataclass_fields__) or not IS_PID.fullmatch(fields[0]):
            return None
        pid, started, boot, namespace = fields
        return cls(pid=int(pid), started=started, boot=boot, namespace=namespace)

    def as_label(self) -> str:
        """Return the owner as a label without spaces."""
        return SEPARATOR.join(str(value) for value in asdict(self).values())

    def may_live(self) -> bool:
        """Return whether the process runs, or may run in another PID namespace."""
        if self.boot != boot_id():
            return False
        if self.namespace and self.namespace != _namespace():
            return True
        running = procfs.facts_of(self.pid)
        return running is not None and running.started == self.started


def machine_id() -> str:
    """Return what tells this machine from others of the same host name.

    ``/etc/machine-id`` outlives a boot (machine-id(5)). That of a container is its image's, if it
    has any, so there it is the boot id, which all containers of a machine have. A system without
    both has the address of a network card.
    """
    if _namespace() == FIRST_NAMESPACE:
        with suppress(OSError, UnicodeDecodeError):
            text = MACHINE_ID.read_text(encoding="ascii").strip()
            if IS_MACHINE_ID.fullmatch(text):
                return text
    return boot_id() or f"{uuid.getnode():012x}"


def boot_id() -> str:
    """Return the boot id of this machine, or an empty text if there is none."""
    try:
        return BOOT_ID.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return str(PID_NAMESPACE.readlink())
    except OSError:
        return ""
