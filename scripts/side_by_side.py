"""Runs tests side by side, and what fails once more, alone: ``python -m scripts.side_by_side``.

The options are those of pytest. Side by side, and on a machine that others use, is not what a
test promises, so only what fails alone too fails. The first failure stays in the output.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

ALONE = ("--last-failed", "--last-failed-no-failures=none", "--numprocesses=0")
"""pytest's options for the second time; the last word on a number of processes counts."""

MOST_BY_CHANCE = 20
"""Failed tests beyond which no neighbour is to blame: an hour of second times tells nothing."""


@dataclass
class Watch:
    """What pytest tells of a run: the failed tests, and what no second time can make good."""

    failed: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failed test, by whatever part of it failed."""
        if report.failed:
            self.failed.add(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file whose tests cannot be collected."""
        if report.failed:
            self.broken.append(f"{report.nodeid} cannot be collected")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object, error: object) -> None:
        """Note a process that crashed with its tests."""
        if error:
            self.broken.append(f"{getattr(node, 'gateway', node)} crashed")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Note that tests were left out, as ``--exitfirst`` wants it."""
        if stopped := session.shouldfail or session.shouldstop:
            self.broken.append(str(stopped))


def may_be_chance(code: int, watch: Watch) -> bool:
    """Tell whether a second time, alone, can say more about failures."""
    failures = code == pytest.ExitCode.TESTS_FAILED and not watch.broken
    return failures and 0 < len(watch.failed) <= MOST_BY_CHANCE


def main(options: Sequence[str]) -> int:
    """Run the tests that pytest's ``options`` select; return pytest's exit code."""
    watch = Watch()
    code = int(pytest.main(list(options), plugins=[watch]))
    if not may_be_chance(code, watch):
        return code
    names = "\n".join(f"  {name}" for name in sorted(watch.failed))
    print(f"\nFailed side by side; once more, alone:\n{names}", flush=True)
    alone = subprocess.run((sys.executable, "-m", "pytest", *options, *ALONE), check=False)
    if alone.returncode:
        return int(pytest.ExitCode.TESTS_FAILED)
    print(f"\nFailed side by side, and passed alone:\n{names}", flush=True)
    return int(pytest.ExitCode.OK)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
