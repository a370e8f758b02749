"""Finds what is wrong with the user's own load before minutes are spent on it.

A locustfile is read before anything is started. On the running stack, one user then does everything
once, and all that is wrong is said at once.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from loadtests.analysis.consistency.conversation import NOT_KEPT
from loadtests.analysis.consistency.written import content_type
from loadtests.measurement.generator_client import Agent
from loadtests.measurement.user_load.answers import refuse_a_user, steps_of
from loadtests.measurement.user_load.findings import Problem, notes_of, problems_of
from loadtests.measurement.user_load.orders import Orders
from loadtests.measurement.user_load.static_look import Remark, read_file, read_locustfile
from loadtests.model.errors import (
    EXIT_CANNOT_TELL,
    EXIT_USAGE,
    EnvironmentFailure,
    TwofoldError,
    UnusableLoad,
    UsageError,
)
from loadtests.model.plan import Plan
from loadtests.model.tested.workload import RequestSpec, Workload
from loadtests.planning.variant_fit import IN_CONTAINERS

LIMIT_S = 8.0
"""Time for all tasks of a load; with what surrounds them it stays below 10 s."""

FATAL = frozenset({"syntax", "old_locust", "elsewhere", "missing_module"})
"""Remarks on a file that make it unusable."""

NOTED = frozenset({"sleep", "undefined_name"})
"""Remarks that do not make a file unusable: a task may never come there."""

UPLOAD = {"file": ""}
"""The file of a recorded request: which one it was, is not recorded."""

ERRORS: dict[int, type[TwofoldError]] = {EXIT_USAGE: UsageError, EXIT_CANNOT_TELL: UnusableLoad}


def read_ahead(
    workloads: Sequence[Workload], started_in: Path | None = None, *, is_away: bool = True
) -> tuple[str, ...]:
    """Read the locustfiles without running them; return notes.

    ``started_in`` is the current folder. The generator can import from it, too, unless it is away:
    in a container or on another machine. Raises :class:`UsageError` with everything that makes a
    file unusable.
    """
    above = () if started_in is None else (started_in,)
    lies_above = partial(lies_in, above)
    notes: list[str] = []
    for workload in workloads:
        file = workload.locustfile
        if file is None:
            continue
        path = Path(file.path)
        try:
            text = read_file(path)
        except OSError as error:
            raise UsageError(f"{path} cannot be read ({error.strerror}).") from error
        known = bool(file.requirements)
        remarks = read_locustfile(
            text,
            path.name,
            (lambda _: True) if known else module_finder(path.parent, () if is_away else above),
            lies_above,
        )
        # With tags or classes, a line may belong to a task that is left out; the generator refuses.
        chosen = bool(file.tags or file.exclude_tags or file.classes)
        problems = [
            Problem(exit_code=EXIT_USAGE, place=remark.place, detail=remark.detail)
            for remark in remarks
            if remark.code in FATAL and not (chosen and remark.code == "elsewhere")
        ]
        if problems:
            raise_all((*problems, *undefined(remarks)), path.name)
        notes += [f"{remark.place}: {remark.detail}" for remark in remarks if remark.code in NOTED]
    return tuple(dict.fromkeys(notes))


def undefined(remarks: Sequence[Remark]) -> tuple[Problem, ...]:
    """Return the names that are not defined, where the file cannot be tried for other reasons."""
    return tuple(
        Problem(exit_code=EXIT_CANNOT_TELL, place=remark.place, detail=remark.detail)
        for remark in remarks
        if remark.code == "undefined_name"
    )


def read_plan(plan: Plan) -> tuple[str, ...]:
    """Read the locustfiles of a run as :func:`read_ahead` does."""
    away = plan.backend in IN_CONTAINERS or bool(plan.generator_workers)
    return read_ahead(plan.workloads, Path.cwd(), is_away=away)


def lies_in(folders: Sequence[Path], name: str) -> bool:
    """Return whether a module lies in one of some folders.

    A folder without Python in it is none: that of a Compose project's ``redis`` is no library.
    """
    return any(
        (folder / f"{name}.py").is_file()
        or any(next((folder / name).glob(files), None) for files in ("*.py", "*/*.py"))
        for folder in folders
    )


def module_finder(folder: Path, above: Sequence[Path] = ()) -> Callable[[str], bool]:
    """Return what says whether a module is there.

    It may lie in ``folder`` or ``above`` it, or be the load generator's.
    """

    def is_there(name: str) -> bool:
        if (folder / name).is_dir() or lies_in((folder, *above), name):
            return True
        try:
            return importlib.util.find_spec(name) is not None
        except (ImportError, ValueError):
            return False

    return is_there


def check(
    agent: Agent,
    orders: Orders,
    workload: Workload,
    base_url: str,
    *,
    version: str | None = None,
    advice: str | None = None,
) -> CheckedLoad:
    """Run the check trial of a load of the user's own.

    A message names the ``version``, where there are several. ``advice`` is said of answers that are
    not as they should be.

    Raises :class:`UsageError`, :class:`UnusableLoad` or :class:`EnvironmentFailure` with everything
    that is wrong. :class:`RefusedLoad` is an ``UnusableLoad`` whose cause the checks may find.
    """
    facts = agent.check(base_url, orders.of(workload), limit_s=LIMIT_S)
    headers = header_names(workload)
    problems = problems_of(facts, headers)
    file = workload.locustfile
    if facts.get("problem") and file is not None:
        path = Path(file.path)
        problems = (*problems, *undefined(read_locustfile(read_file(path), path.name)))
    notes = notes_of(facts, headers)
    if advice is not None and not facts.get("problem"):
        notes = (*notes, advice)
    try:
        raise_all(problems, workload.name, notes, version=version)
    except UnusableLoad as error:
        if facts.get("problem") or not refuse_a_user(facts):
            raise
        checked = CheckedLoad(facts, headers, with_refused=True)
        raise RefusedLoad(str(error), checked=checked) from None
    return CheckedLoad(facts, headers)


def header_names(workload: Workload) -> frozenset[str]:
    """Return the names of the headers that a load sends, by itself or with one of its requests."""
    own = (name for request in workload.requests for name in request.headers)
    return frozenset((*workload.headers, *own))


class CheckedLoad:
    """What the check trial of a usable load showed.

    ``start`` are the requests of users before their first task, and ``requests`` those of tasks:
    the good ones, or also those ``with_refused`` answers.
    """

    def __init__(
        self, facts: dict[str, Any], headers: Collection[str] = (), *, with_refused: bool = False
    ) -> None:
        self.notes = notes_of(facts, headers)
        self.start = requests_of(facts, "on_start")
        self.requests = requests_of(facts, "task", with_refused=with_refused)
        self.users_step = users_step([entry["weight"] for entry in facts["classes"]])


class RefusedLoad(UnusableLoad):
    """The application refuses users whom it let in before; ``checked`` is what they asked."""

    def __init__(self, message: str, *, checked: CheckedLoad) -> None:
        super().__init__(message)
        self.checked = checked


def requests_of(
    facts: Mapping[str, Any], kind: str, *, with_refused: bool = False
) -> tuple[RequestSpec, ...]:
    """Return the good requests of the steps of ``kind``, each name once; or ``with_refused`` ones.

    Those of a start whose body was not kept, such as uploads, are left out. Those of tasks say what
    they have, so that it can be said why they are not asked.
    """
    found: dict[str, RequestSpec] = {}
    for step in steps_of(facts["steps"], kind):
        for request in step["attempts"][-1]["requests"]:
            name = f"{request['method']} {request['name']}"
            is_wanted = request["good"] or with_refused
            is_kept = request["body"] is not None
            if is_wanted and request["target"] and (is_kept or kind == "task"):
                spec = RequestSpec(
                    method=request["method"],
                    path=request["target"],
                    name=name,
                    headers=request["headers"],
                    body=request["body"] or None,
                )
                is_upload = content_type(spec).startswith("multipart/")
                files = {} if is_kept else UPLOAD if is_upload else NOT_KEPT
                found.setdefault(name, replace(spec, files=files))
    return tuple(found.values())


def users_step(weights: Sequence[float]) -> int:
    """Return the number of users of which each multiple has the same mix of user classes.

    1 where that number would be too large, so that the mix is only near.
    """
    if not weights:
        return 1
    smallest = min(weights)
    shares = [weight / smallest for weight in weights]
    for factor in range(1, MOST_STEP):
        parts = [share * factor for share in shares]
        if all(abs(part - round(part)) < SAME for part in parts):
            step = sum(round(part) for part in parts)
            return step if step <= MOST_STEP else 1
    return 1


MOST_STEP = 32
"""Largest step of users: they are calibrated in multiples of it."""

SAME = 1e-6


def raise_all(
    problems: Sequence[Problem],
    name: str,
    notes: Sequence[str] = (),
    *,
    version: str | None = None,
) -> None:
    """Raise one error with all ``problems`` of the load ``name``, if there are any, and ``notes``.

    Its exit code is that of the first kind: what cannot be used, then what does not come up.
    ``version`` is what it was tried on, where there are several.
    """
    if not problems:
        return
    code = min(problem.exit_code for problem in problems)
    lines = [f"  {line}" for line in dict.fromkeys((*map(str, problems), *notes))]
    kind = ERRORS.get(code, EnvironmentFailure)
    on = "" if version is None else f" on {version}"
    raise kind("\n".join((f"The load {name} cannot be used as it is{on}:", *lines)))


def with_starts(plan: Plan, checked: Mapping[str, CheckedLoad]) -> Plan:
    """Return a plan whose locustfiles have the requests that their users begin with."""
    return replace(
        plan,
        workloads=tuple(
            replace(workload, start=checked[workload.name].start)
            if workload.locustfile is not None and workload.name in checked
            else workload
            for workload in plan.workloads
        ),
    )
