"""The registry of commands, one line each. A command's module is imported only when it is called.

``twofold --help`` lists these sentences; each is also the first line of the command's own help.
"""

from __future__ import annotations

from loadtests.cli.group import Entry

COMMANDS: dict[str, Entry] = {
    "init": Entry(
        "init", "Look around in this folder, and write a configuration that runs as it is."
    ),
    "run": Entry("run", "Measure whether throughput doubles when servers double."),
    "plan": Entry("plan", "Print what a run would do; start nothing."),
    "report": Entry("report", "Write the report of a run again; the latest run is the default."),
    "compare": Entry(
        "compare", "Compare the worker models of a run; the latest run is the default."
    ),
    "explain": Entry(
        "explain",
        "Say where requests wait, down to the line of code; the latest run is the default.",
    ),
    "gate": Entry("gate.command", "Did this change make the application slower, or scale worse?"),
    "export": Entry("export", "Write all requests of a run to a file, for other tools."),
    "doctor": Entry("doctor", "Report what this machine can test, and how to get what is missing."),
    "down": Entry("down", "Remove what dead runs have left on this machine."),
}

GATE_COMMANDS: dict[str, Entry] = {
    "calibrate": Entry("gate.calibrate", "What can a gate detect on this machine?"),
    "history": Entry("gate.history", "How much did performance change since the last release?"),
}
