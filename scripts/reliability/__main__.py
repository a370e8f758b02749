#!/usr/bin/env python3
"""Check the promises: nothing lost, nothing left, nobody held up (``results/reliability.json``).

    .venv/bin/python -m scripts.reliability                        # the short form: minutes
    .venv/bin/python -m scripts.reliability --full                 # every case: hours
    .venv/bin/python -m scripts.reliability --campaigns no_leak --full
    .venv/bin/python -m scripts.reliability --campaigns no_leak --only "compose KILL"

A campaign's rows replace its earlier ones in the file. Cases that need Docker are left out where no
engine answers. The machine should be idle otherwise.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from scripts.reliability import (
    hostile_files,
    hung_engine,
    no_leak,
    no_torn_result,
    two_at_once,
)
from scripts.reliability.record import Case, Result, record, tried

PROJECT = Path(__file__).resolve().parent.parent.parent

CAMPAIGNS: dict[str, Callable[..., Iterable[Case]]] = {
    "no_leak": no_leak.cases,
    "no_torn_result": no_torn_result.cases,
    "hung_engine": hung_engine.cases,
    "hostile_files": hostile_files.cases,
    "two_at_once": two_at_once.cases,
}
"""The campaigns in their order, with what gives the cases of the full or of the short form."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the campaigns, write each case down as it ends, and return 1 if a promise broke."""
    options = parse(argv)
    failed = False
    for name in options.campaigns:
        results: list[Result] = []
        with tempfile.TemporaryDirectory(prefix="reliability-") as folder:
            for case in CAMPAIGNS[name](full=options.full):
                if options.only in case.name:
                    results.append(tried(case, Path(folder)))
                    say(f"{name}: {results[-1]}")
                    record(options.out, name, results)
        held = sum(result.held for result in results)
        say(f"{name}: {held} of {len(results)} held")
        failed |= held < len(results)
    return int(failed)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; ``campaigns`` are names, in the order asked for."""
    parser = argparse.ArgumentParser(
        prog="reliability", description=(__doc__ or "").split("\n\n", maxsplit=1)[0]
    )
    parser.add_argument("--campaigns", default=",".join(CAMPAIGNS), help="names of campaigns")
    parser.add_argument("--full", action="store_true", help="every case, which takes hours")
    parser.add_argument("--only", default="", help="only cases whose name contains this")
    parser.add_argument("--out", type=Path, default=PROJECT / "results" / "reliability.json")
    options = parser.parse_args(argv)
    options.campaigns = [name for name in options.campaigns.split(",") if name]
    if unknown := [name for name in options.campaigns if name not in CAMPAIGNS]:
        parser.error(f"--campaigns {', '.join(unknown)}: there are {', '.join(CAMPAIGNS)}")
    return options


def say(line: str) -> None:
    """Write a line of progress to standard error."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
