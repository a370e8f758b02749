"""The commands: one line each. A command's module is imported only when the command is called.

The sentences are what ``twofold --help`` lists; each is the first line of its command's own help.
"""

from __future__ import annotations

from loadtests.cli.group import Entry

COMMANDS: dict[str, Entry] = {
    "run": Entry("run", "Measure whether throughput doubles when servers double."),
    "plan": Entry("plan", "Print what a run would do; start nothing."),
    "report": Entry("report", "Write the report of a run again, the latest by default."),
    "compare": Entry("compare", "Compare the worker models of a run, the latest by default."),
    "gate": Entry("gate.command", "Did this change make it slower, or scale worse?"),
    "export": Entry("export", "Write every request of a run to a file, for other tools."),
    "doctor": Entry("doctor", "Say what this machine can test, and how to get what is missing."),
    "down": Entry("down", "Remove what dead runs have left on this machine."),
}

GATE_COMMANDS: dict[str, Entry] = {
    "calibrate": Entry("gate.calibrate", "What can a gate see on this machine?"),
    "history": Entry("gate.history", "What do the changes since the last release add up to?"),
}
