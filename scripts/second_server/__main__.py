"""Does a run find what a second server breaks, and leave alone what only looks like it?

    .venv/bin/python -m scripts.second_server rows innocent      # what it has is not run again
    .venv/bin/python -m scripts.second_server rare gates --minutes 60

``rows`` are the rows on state and on the store, three runs each under every worker model where they
apply; ``compose`` those of them that need containers. ``innocent`` are applications whose answers
differ for a harmless reason. ``others`` are applications of others, each a folder with a
``twofold.toml``: ``--folder httpbin=FOLDER`` must not break, and ``--folder
microblog=FOLDER=breaks=app.db`` must have this verdict, and say this word. ``rare`` are wrong
answers in 1 of 20, 100 and 1,000 requests at two replicas only. ``gates`` have a broken head, and
``innocent-gates`` the same version twice.
The table is results/second-server.json: for each section how many were ``tried`` and ``right``,
and a row for each worker model of each run. The machine should be idle otherwise. What other
programs disturbed is not right, and is tried again by the next call.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from loadtests.environments.child_python import python_path
from loadtests.model.errors import EXIT_VERDICTS, EnvironmentFailure, ProcessFailure, TwofoldError
from loadtests.tools import files, proc, signals
from scripts.second_server import gates, innocents, rare, rows
from scripts.second_server.subjects import Subject

RESULTS = Path(__file__).resolve().parent.parent.parent / "results"
RUNS = RESULTS / "second-server"

RUN_LIMIT_S = 900.0

SHOWN_CHARS = 300

CONTENTION = "host_contention"

OTHERS = "others"

Tried = Callable[[int], list[dict[str, Any]]]
"""Makes one run, by its number, and returns its rows."""

Section = tuple[int, Callable[[], Iterator[tuple[str, Tried]]]]
"""How often each case is tried, and what yields the cases by their names."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is missing; return 0 if all that was asked for is right."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sections", nargs="+", choices=(*SECTIONS, OTHERS))
    parser.add_argument("--only", help="cases whose name has this text")
    parser.add_argument(
        "--folder", action="append", default=[], metavar="NAME=FOLDER[=VERDICT[=WORD]]"
    )
    parser.add_argument("--minutes", type=float, default=1e9, help="begin none after so many")
    parser.add_argument("--times", type=int, default=99, help="try each case so often at most")
    parser.add_argument("--out", type=Path, default=RESULTS / "second-server.json")
    given = parser.parse_args(argv)
    table = json.loads(given.out.read_text())["rows"] if given.out.exists() else []
    table = [row for row in table if not row.get("disturbed")]
    end = time.monotonic() + 60 * given.minutes
    sections = {name: SECTIONS[name] for name in given.sections if name != OTHERS}
    if OTHERS in given.sections:
        sections[OTHERS] = (3, _runs(lambda: others(given.folder)))
    try:
        with signals.handled():
            for section, name, number, tried in missing(sections, table):
                if time.monotonic() > end or number > given.times:
                    continue
                if (given.only or "") not in name:
                    continue
                for row in _or_why_not(tried, number):
                    table.append({"section": section, "case": name, "time": number, **row})
                    print(json.dumps(table[-1]), file=sys.stderr, flush=True)
                write(given.out, table)
    except TwofoldError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(json.dumps(sums(table)))
    are_right = all(row["right"] for row in table if row["section"] in sections)
    return 0 if are_right and not list(missing(sections, table)) else 1


def _or_why_not(tried: Tried, number: int) -> list[dict[str, Any]]:
    """Return the rows of a run; of one that gave no result, a row that says why."""
    try:
        return tried(number)
    except (EnvironmentFailure, ProcessFailure) as error:
        return [{"right": False, "error": str(error)[-SHOWN_CHARS:]}]


def missing(
    sections: Mapping[str, Section], table: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, str, int, Tried]]:
    """Yield what is to be run: section, name, which time, and what runs it."""
    have = {(row["section"], row["case"], row["time"]) for row in table}
    for section, (times, tries) in sections.items():
        for number in range(1, times + 1):
            for name, tried in tries():
                if (section, name, number) not in have:
                    yield section, name, number, tried


def write(out: Path, table: Sequence[Mapping[str, Any]]) -> None:
    """Write the table, whole."""
    document = {"sections": sums(table), "rows": table}
    files.write(out, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def sums(table: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Return how many rows of each section there are, and how many are right."""
    return {
        section: {"tried": len(own), "right": sum(bool(row["right"]) for row in own)}
        for section in dict.fromkeys(row["section"] for row in table)
        if (own := [row for row in table if row["section"] == section])
    }


# -- runs -----------------------------------------------------------------------------------------


def run(subject: Subject, number: int) -> list[dict[str, Any]]:
    """Run a subject once; return a row for each worker model."""
    document, seconds = _twofold(
        subject,
        "run",
        *(() if subject.folder else ("--backend", subject.backend)),
        *("--seed", str(number), "--no-profile"),
        *(("--workers", ",".join(subject.workers)) if names_workers(subject) else ()),
        *(subject.words or ("--rounds", "6", "--quick")),
        *(() if "--replicas" in subject.words else ("--replicas", "1,2")),
    )
    return [judged(subject, document, worker, seconds) for worker in subject.workers]


def names_workers(subject: Subject) -> bool:
    """Return whether a run names worker models; others' folders and services say it themselves."""
    return subject.folder is None and not subject.target.startswith("compose")


def judged(
    subject: Subject, document: Mapping[str, Any], worker: str, seconds: float
) -> dict[str, Any]:
    """Return the row of a worker model of a run."""
    is_alone = len(subject.workers) == 1
    verdicts = [
        each["verdict"] for each in document["doublings"] if is_alone or each["worker"] == worker
    ]
    text = json.dumps(document if is_alone else _of(document, worker), ensure_ascii=False)
    row = {
        "worker": worker,
        "verdicts": verdicts,
        "said": next((said for said in subject.said if said in text), ""),
        "reason": document["reason"][:SHOWN_CHARS],
        "run": document["run_id"],
        "seconds": round(seconds, 1),
        "right": is_right(subject, verdicts, text),
    }
    if subject.one_in:
        row |= rare.seen_of(document)
        row["right"] = rare.is_right(subject.one_in, verdicts, row)
    if not row["right"] and any(each["code"] == CONTENTION for each in document["invalid"]):
        row["disturbed"] = True
    return row


def _of(document: Mapping[str, Any], worker: str) -> list[Any]:
    """Return what a run says of one worker model, and what it says of nobody."""
    entries = (
        each
        for key in ("probes", "failures", "doublings", "cells", "invalid", "profile_findings")
        for each in document[key] or ()
    )
    return [
        each
        for each in entries
        if worker == each.get("worker", (each.get("cell") or {}).get("worker"))
    ]


def is_right(subject: Subject, verdicts: Sequence[str], text: str) -> bool:
    """Return whether doublings and words are as they should be; the largest count decides."""
    if not verdicts or subject.never & set(verdicts) or subject.not_before & set(verdicts[:-1]):
        return False
    is_said = not subject.said or any(said in text for said in subject.said)
    return verdicts[-1] in subject.verdicts and is_said


def gate(base: str, subject: Subject, number: int) -> list[dict[str, Any]]:
    """Gate a subject as head; return its row."""
    with tempfile.TemporaryDirectory(prefix="twofold-second-server-") as name:
        folder = Path(name)
        files_of(folder, {**subject.files, "shop.py": base}, subject)
        document, seconds = _twofold(
            subject,
            "gate",
            *("--base", str(folder), "--head", ".", "--workload", "own"),
            *("--seed", str(number), "--no-profile"),
        )
    return [
        {
            "worker": "gthread",
            "verdicts": [document["verdict"]],
            "said": (document["cause"] or "")[:SHOWN_CHARS],
            "by": [
                each["endpoint"]
                for each in document["endpoints"]
                if each["verdict"] == document["verdict"]
            ],
            "reason": document["reason"][:SHOWN_CHARS],
            "run": document["facts"]["gate_id"],
            "seconds": round(seconds, 1),
            "right": document["verdict"] in subject.verdicts,
        }
    ]


def files_of(folder: Path, texts: Mapping[str, str], subject: Subject) -> None:
    """Write the files of an application into its folder."""
    for name, text in {**texts, "twofold.toml": subject.configuration}.items():
        (folder / name).write_text(text)


def _twofold(subject: Subject, command: str, *words: str) -> tuple[dict[str, Any], float]:
    """Run a command in a subject's folder; return what it says as JSON, and its seconds."""
    with tempfile.TemporaryDirectory(prefix="twofold-second-server-") as name:
        folder = subject.folder or Path(name)
        if subject.folder is None:
            files_of(folder, subject.files, subject)
        began = time.monotonic()
        done = proc.run(
            (sys.executable, "-m", "loadtests", command, *words, "--json", "--out", str(RUNS)),
            cwd=folder,
            env=python_path(),
            timeout_s=RUN_LIMIT_S,
            check=False,
        )
    if done.code not in EXIT_VERDICTS or not done.stdout.strip():
        raise EnvironmentFailure(
            f"{subject.name} ended with code {done.code}: {done.stderr[-2000:]}"
        )
    return json.loads(done.stdout), time.monotonic() - began


def others(folders: Sequence[str]) -> list[Subject]:
    """Return the subjects of the option ``--folder``."""
    return [
        innocents.other(name, Path(folder).resolve(), verdict, said)
        for name, folder, verdict, said in ((*each.split("="), "", "")[:4] for each in folders)
    ]


def _runs(subjects: Callable[[], Sequence[Subject]]) -> Callable[[], Iterator[tuple[str, Tried]]]:
    def tries() -> Iterator[tuple[str, Tried]]:
        for subject in subjects():
            is_one = subject.folder is None and len(subject.workers) == 1
            own = f"{subject.name} ({subject.workers[0]})" if is_one else ""
            yield own or subject.name, partial(run, subject)

    return tries


def _gates(
    subjects: Callable[[], Sequence[tuple[str, Subject]]],
) -> Callable[[], Iterator[tuple[str, Tried]]]:
    def tries() -> Iterator[tuple[str, Tried]]:
        for base, subject in subjects():
            yield subject.name, partial(gate, base, subject)

    return tries


SECTIONS: Mapping[str, Section] = {
    "rows": (3, _runs(rows.of_processes)),
    "compose": (3, _runs(rows.of_compose)),
    "innocent": (3, _runs(lambda: (*innocents.fixtures(), innocents.sample()))),
    "rare": (10, _runs(rare.subjects)),
    "gates": (5, _gates(gates.broken)),
    "innocent-gates": (2, _gates(gates.innocent)),
}
"""How often each section's cases are tried, and what they are."""


if __name__ == "__main__":
    sys.exit(main())
