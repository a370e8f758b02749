"""The class of the zoo's application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.application import Application
from scripts.zoo.app.memory_state import MemoryState
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
