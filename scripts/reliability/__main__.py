#!/usr/bin/env python3
"""Check the promises: nothing lost, nothing left, nobody held up (``results/reliability.json``).

    .venv/bin/python -m scripts.reliability                        # the short form: minutes
    .venv/bin/python -m scripts.reliability --full                 # every case: hours
    .venv/bin/python -m scripts.reliability --campaigns no_leak --full
    .venv/bin/python -m scripts.reliability --campaigns no_leak --only "compose KILL"

A campaign's rows replace its earlier ones of the same form in the file; those of the short form
replace none of the full one. Cases that need Docker are left out where no engine answers. The
machine should be idle otherwise.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path

from scripts.reliability import (
    as_users_have_it,
    containers,
    hostile_files,
    hostile_head,
    hung_engine,
    no_leak,
    no_torn_result,
    no_wrong_green,
    two_at_once,
)
from scripts.reliability.record import FULL, SHORT, USERS, Case, Result, record, tried

PROJECT = Path(__file__).resolve().parent.parent.parent

CAMPAIGNS: dict[str, Callable[..., Iterable[Case]]] = {
    "no_leak": no_leak.cases,
    "no_torn_result": no_torn_result.cases,
    "no_wrong_green": no_wrong_green.cases,
    "hostile_files": hostile_files.cases,
    "hostile_head": hostile_head.cases,
    "hung_engine": hung_engine.cases,
    "containers": containers.cases,
    "as_users_have_it": as_users_have_it.cases,
    "two_at_once": two_at_once.cases,
}
"""The campaigns in their order, with what gives the cases of the full or of the short form."""


OF_USERS = as_users_have_it.CAMPAIGNS
"""The campaigns that have cases for a machine as users have it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the campaigns, write each case down as it ends, and return 1 if a promise broke."""
    options = parse(argv)
    failed = False
    for name in options.campaigns:
        results: list[Result] = []
        with tempfile.TemporaryDirectory(prefix="reliability-") as folder:
            for case in given(name, options):
                if options.only in case.name:
                    results.append(tried(case, Path(folder)))
                    say(f"{name}: {results[-1]}")
                    record(
                        options.out,
                        name,
                        results,
                        form=form_of(options),
                        in_part=bool(options.only),
                    )
        held = sum(result.held for result in results)
        say(f"{name}: {held} of {len(results)} held")
        failed |= held < len(results)
    return int(failed)


def form_of(options: argparse.Namespace) -> str:
    """Return the form of the campaigns that these options ask for."""
    if options.users is not None:
        return USERS
    return FULL if options.full else SHORT


def given(name: str, options: argparse.Namespace) -> Iterable[Case]:
    """Return the cases of a campaign: of its full or its short form, or those for ``--users``."""
    if options.users is None:
        return CAMPAIGNS[name](full=options.full)
    return islice(OF_USERS[name](), None if options.users == "all" else int(options.users))


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; ``campaigns`` are names, in the order asked for."""
    parser = argparse.ArgumentParser(
        prog="reliability", description=(__doc__ or "").split("\n\n", maxsplit=1)[0]
    )
    parser.add_argument("--campaigns", default="", help="names of campaigns  [default: all]")
    parser.add_argument("--full", action="store_true", help="every case, which takes hours")
    parser.add_argument(
        "--users",
        metavar="all|N",
        help="all cases of as_users_have_it here, or the first N of each",
    )
    parser.add_argument("--only", default="", help="only cases whose name contains this")
    parser.add_argument("--out", type=Path, default=PROJECT / "results" / "reliability.json")
    options = parser.parse_args(argv)
    there = OF_USERS if options.users else CAMPAIGNS
    options.campaigns = [name for name in options.campaigns.split(",") if name] or list(there)
    if unknown := [name for name in options.campaigns if name not in there]:
        parser.error(f"--campaigns {', '.join(unknown)}: there are {', '.join(there)}")
    return options


def say(line: str) -> None:
    """Write a line of progress to standard error."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
