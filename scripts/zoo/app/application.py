"""The class of the zoo's application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.application import Application
from app.settings import SettingError
from scripts.zoo.app import dearer
from scripts.zoo.app.memory_state import MemoryState
from scripts.zoo.app.shared_counts import SharedCounts
from scripts.zoo.app.switches import Switches


class ZooApplication(Application):
    """The sample application, which may keep its state in the memory of the process.

    ``config["SWITCHES"]`` says which faults are on, ``config["SLOTS"]`` how many requests the
    replica serves at once.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self.switches: Switches = self.config["SWITCHES"]
        self.slots: int = self.config["SLOTS"]
        if self.switches.memory_state:
            self.state = MemoryState(self.store)
        self.dearer = _dearer(self.switches, self.config["REPLICA"])


def _dearer(switches: Switches, replica: str) -> dearer.Way | None:
    """Return how /dearer is served, by a replica whose name ends with its number.

    Raises:
        SettingError: its name has no number.
    """
    if switches.dearer is None or switches.dearer_counts is None:
        return None
    number = replica.rpartition("-")[2]
    if not (number.isascii() and number.isdigit()):
        raise SettingError(f"REPLICA={replica} does not end with a number, as DEARER needs it.")
    counts = SharedCounts(switches.dearer_counts, int(number))
    return dearer.make(switches.dearer, counts)
