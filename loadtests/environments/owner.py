"""The process that a stack belongs to, told from every other one.

A process id alone says little: ids are used again, and each PID namespace has its own. So the start
of the machine, the namespace and the process's own start belong to it.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from loadtests.tools import procfs

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PID_NAMESPACE = Path("/proc/self/ns/pid")

SEPARATOR = "/"
"""Between the fields of an owner in a label; none of them has it."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A process of this machine. A field that the system does not tell is empty."""

    pid: int
    started: str
    boot: str
    namespace: str = ""

    @classmethod
    def this_process(cls) -> Self:
        """Give the process that runs this."""
        facts = procfs.facts_of(os.getpid())
        return cls(
            pid=os.getpid(),
            started=facts.started if facts else "",
            boot=boot_id(),
            namespace=_namespace(),
        )

    @classmethod
    def from_label(cls, text: str) -> Self | None:
        """Read what :meth:`as_label` gave; None where it is something else."""
        fields = text.split(SEPARATOR)
        if len(fields) != len(cls.__dataclass_fields__) or not fields[0].isdigit():
            return None
        pid, started, boot, namespace = fields
        return cls(pid=int(pid), started=started, boot=boot, namespace=namespace)

    def as_label(self) -> str:
        """Give the owner as one word."""
        return SEPARATOR.join(str(value) for value in asdict(self).values())

    def may_live(self) -> bool:
        """Tell whether the process runs, or may run where it cannot be seen from here."""
        if self.boot != boot_id():
            return False
        if self.namespace and self.namespace != _namespace():
            return True
        running = procfs.facts_of(self.pid)
        return running is not None and running.started == self.started


def boot_id() -> str:
    """Give what tells this start of the machine from others, where the system tells."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return str(PID_NAMESPACE.readlink())
    except OSError:
        return ""
