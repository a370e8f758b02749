"""Reads and writes the folders of runs in ``results/``: versioned, atomic, after every trial.

A run's folder has ``plan.json`` (the plan and the machine; written first), ``calibrations.json``,
``probes.json`` (the consistency checks), ``ceiling.json``, ``file_ceilings.json`` (what the user's
locustfiles cost), ``in_force.json`` (what serves), ``profiles.json`` (looks at requests),
``trials.jsonl`` (the journal: closed-loop trials, and open-loop ones with ``"mode": "open"``) and
``samples/``. ``run.json`` and the reports can be made again from these. Samples are read one trial
at a time, never by ``read``: a long run has more of them than fit into memory.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import Discriminator, Tag, TypeAdapter, ValidationError

from loadtests.analysis import samples
from loadtests.analysis.latency import reduction
from loadtests.analysis.latency.reduction import Waits
from loadtests.analysis.profiles import flames
from loadtests.model.consistency import ProbeResult
from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.model.latency import Ceiling, FileCeiling
from loadtests.model.machine import Machine
from loadtests.model.open_trial import OpenTrial
from loadtests.model.plan import Plan
from loadtests.model.profiles.records import CellProfile
from loadtests.model.result import RunFacts
from loadtests.model.tested.in_force import InForce
from loadtests.model.trial import Calibration, Trial
from loadtests.model.vocabulary import SCHEMA_VERSION
from loadtests.results.run_search import PLAN
from loadtests.tools import files

CALIBRATIONS = "calibrations.json"
PROBES = "probes.json"
CEILING = "ceiling.json"
IN_FORCE = "in_force.json"
FILE_CEILINGS = "file_ceilings.json"
PROFILES = "profiles.json"
STACKS = "profiles"
JOURNAL = "trials.jsonl"
SAMPLES = "samples"

MOST_FAULTS = 3
"""Faults of a file that a message lists; a file of another kind has dozens."""


@dataclass(frozen=True, kw_only=True)
class Versioned:
    """The fields of every version of the format."""

    schema_version: int


@dataclass(frozen=True, kw_only=True)
class Setting(Versioned):
    """The plan, machine and facts of a run; written first."""

    facts: RunFacts
    machine: Machine
    plan: Plan


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A run as it is on disk, finished or not."""

    facts: RunFacts
    machine: Machine
    plan: Plan
    calibrations: tuple[Calibration, ...]
    trials: tuple[Trial, ...]
    """The closed-loop trials, in the order of the journal."""
    probes: tuple[ProbeResult, ...] = ()
    open_trials: tuple[OpenTrial, ...] = ()
    ceiling: Ceiling | None = None
    in_force: tuple[InForce, ...] = ()
    file_ceilings: tuple[FileCeiling, ...] = ()
    profiles: tuple[CellProfile, ...] = ()


Part = TypeVar("Part")
Other = TypeVar("Other")


def _mode(line: Any) -> str:
    mode = line.get("mode") if isinstance(line, dict) else getattr(line, "mode", None)
    return "open" if mode == "open" else "closed"


_VERSIONED = TypeAdapter(Versioned)
_SETTING = TypeAdapter(Setting)
_CALIBRATIONS = TypeAdapter(tuple[Calibration, ...])
_PROBES = TypeAdapter(tuple[ProbeResult, ...])
_CEILING = TypeAdapter(Ceiling)
_IN_FORCE = TypeAdapter(tuple[InForce, ...])
_FILE_CEILINGS = TypeAdapter(tuple[FileCeiling, ...])
_PROFILES = TypeAdapter(tuple[CellProfile, ...])
_TRIAL: TypeAdapter[Trial | OpenTrial] = TypeAdapter(
    Annotated[
        Annotated[Trial, Tag("closed")] | Annotated[OpenTrial, Tag("open")], Discriminator(_mode)
    ]
)


class Store:
    """The folder of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, results: Path, run_id: str) -> Self:
        """Create the folder of a new run; raise EnvironmentFailure where it cannot be written."""
        folder = results / run_id
        try:
            (folder / SAMPLES).mkdir(parents=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise EnvironmentFailure(
                f"The results folder {results} cannot be written ({error.strerror})."
                " Name another: --out DIR."
            ) from error
        files.sync_folder(folder)
        files.sync_folder(results)
        return cls(folder)

    def discard(self) -> None:
        """Remove the folder of a run that measured nothing and is planned anew."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name: str, text: str) -> Path:
        """Write a file completely or not at all, and return its path."""
        return files.write(self.folder / name, text)

    def begin(self, facts: RunFacts, machine: Machine, plan: Plan) -> None:
        """Write the plan, the machine and the facts of a run."""
        setting = Setting(schema_version=SCHEMA_VERSION, facts=facts, machine=machine, plan=plan)
        self.write(PLAN, _SETTING.dump_json(setting, indent=1).decode() + "\n")

    def write_calibrations(self, calibrations: Sequence[Calibration]) -> None:
        """Write the calibrated users of each worker model."""
        text = _CALIBRATIONS.dump_json(tuple(calibrations), indent=1).decode()
        self.write(CALIBRATIONS, text + "\n")

    def write_probes(self, probes: Sequence[ProbeResult]) -> None:
        """Write the results of the consistency checks."""
        self.write(PROBES, _PROBES.dump_json(tuple(probes), indent=1).decode() + "\n")

    def write_ceiling(self, ceiling: Ceiling) -> None:
        """Write the generator's ceiling."""
        self.write(CEILING, _CEILING.dump_json(ceiling, indent=1).decode() + "\n")

    def write_in_force(self, in_force: Sequence[InForce]) -> None:
        """Write what serves each worker model, as it was seen."""
        self.write(IN_FORCE, _IN_FORCE.dump_json(tuple(in_force), indent=1).decode() + "\n")

    def write_file_ceilings(self, ceilings: Sequence[FileCeiling]) -> None:
        """Write what the user's locustfiles cost the generator."""
        text = _FILE_CEILINGS.dump_json(tuple(ceilings), indent=1).decode()
        self.write(FILE_CEILINGS, text + "\n")

    def write_profiles(self, profiles: Sequence[CellProfile]) -> None:
        """Write what was seen of requests, and each cell's stacks for flame graph programs."""
        self.write(PROFILES, _PROFILES.dump_json(tuple(profiles)).decode() + "\n")
        (self.folder / STACKS).mkdir(exist_ok=True)
        for profile in profiles:
            cell = profile.cell
            name = f"{cell.worker}-{cell.workload}-{cell.replicas}.collapsed"
            if stacks := flames.collapsed(profile):
                self.write_stacks(name, stacks)

    def write_stacks(self, name: str, stacks: str) -> None:
        """Write stacks for flame graph programs."""
        (self.folder / STACKS).mkdir(exist_ok=True)
        self.write(f"{STACKS}/{name}", stacks)

    def write_samples(self, name: str, samples: bytes) -> None:
        """Write the samples of one load."""
        files.write(self.folder / SAMPLES / f"{name}.npz", samples)

    def append(self, trial: Trial | OpenTrial, samples: bytes) -> None:
        """Put a finished trial on disk: its samples, then its line of the journal."""
        base = trial.measured if isinstance(trial, OpenTrial) else trial
        self.write_samples(base.spec.id, samples)
        files.append_line(self.folder / JOURNAL, _TRIAL.dump_json(trial))


def samples_path(folder: Path, trial: Trial) -> Path:
    """Return the file of a trial's raw samples."""
    return folder / SAMPLES / f"{trial.spec.id}.npz"


def read_samples(folder: Path, trial: Trial) -> bytes:
    """Return the raw samples of a trial as ``.npz``; raise UsageError where they are missing."""
    path = samples_path(folder, trial)
    try:
        return files.read_plain(path)
    except OSError as error:
        raise UsageError(
            f"The samples of {trial.spec.id} are missing ({error.strerror}: {path}). They stay on"
            " the machine that measured; published runs have none."
        ) from error


def read(folder: Path) -> Recorded:
    """Return a run from its folder, without a last line of the journal that was cut off.

    Raises :class:`UsageError` where the folder is no run of this version. For a run that was
    stopped or crashed, ``facts.finished`` is False and its times are those of the journal.
    """
    try:
        text = files.read_plain(folder / PLAN)
        _check_version(folder, _VERSIONED.validate_json(text).schema_version)
        setting = _SETTING.validate_json(text)
        journal = folder / JOURNAL
        lines = files.whole_lines(files.read_plain(journal)) if journal.exists() else []
        # A trial counts once the end of its line is on disk, too.
        trials = [_TRIAL.validate_json(line) for line in lines if line.endswith(b"\n")]
        recorded = _recorded(
            setting,
            trials,
            _if_there(folder / CALIBRATIONS, _CALIBRATIONS, ()),
            _if_there(folder / PROBES, _PROBES, ()),
            _if_there(folder / CEILING, _CEILING, None),
            _if_there(folder / IN_FORCE, _IN_FORCE, ()),
        )
        return replace(
            recorded,
            file_ceilings=_if_there(folder / FILE_CEILINGS, _FILE_CEILINGS, ()),
            profiles=_if_there(folder / PROFILES, _PROFILES, ()),
        )
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be read as a run ({error.strerror}: {error.filename})."
            " Runs are the folders in results/."
        ) from error
    except ValidationError as error:
        faults = _in_words(error)
        raise UsageError(
            f"{folder} does not follow schema {SCHEMA_VERSION} of this version of twofold:"
            f" {faults}. Use the version that wrote it."
        ) from error


def _if_there(path: Path, adapter: TypeAdapter[Part], otherwise: Other) -> Part | Other:
    return adapter.validate_json(files.read_plain(path)) if path.exists() else otherwise


def _in_words(error: ValidationError) -> str:
    """Return the first faults of a file and the number of the others, in words."""
    faults = [
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}".removeprefix(": ")
        for fault in error.errors()
    ]
    more = f"; and {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else ""
    return "; ".join(faults[:MOST_FAULTS]) + more


def _check_version(folder: Path, version: int) -> None:
    if version != SCHEMA_VERSION:
        raise UsageError(
            f"{folder} was written with schema {version}, and this version of twofold reads"
            f" {SCHEMA_VERSION}. Use the version that wrote it."
        )


def read_waits(folder: Path, trial: OpenTrial) -> Waits | None:
    """Return the times of one open-loop trial from its samples; None where they are missing."""
    if not samples_path(folder, trial.measured).exists():
        return None
    data = read_samples(folder, trial.measured)
    window_us = trial.measured.window_s * samples.MICROSECONDS
    return reduction.waits(samples.read_columns(data), trial.outcomes, window_us)


def _recorded(
    setting: Setting,
    lines: Sequence[Trial | OpenTrial],
    calibrations: tuple[Calibration, ...],
    probes: tuple[ProbeResult, ...],
    ceiling: Ceiling | None,
    in_force: tuple[InForce, ...],
) -> Recorded:
    facts = setting.facts
    trials = [line for line in lines if isinstance(line, Trial)]
    open_trials = [line for line in lines if isinstance(line, OpenTrial)]
    measured = [*trials, *(trial.measured for trial in open_trials)]
    unplanned = {trial.spec.cell for trial in measured} - set(setting.plan.cells)
    if unplanned:
        raise UsageError(
            f"{facts.run_id} has trials of cells that are not in its plan ({min(unplanned)})."
            f" {PLAN} and {JOURNAL} are of two different runs. Put each back into its own folder."
        )
    if not facts.finished and measured:
        last = max(trial.started_at_s + trial.wall_s for trial in measured)
        first = min(trial.started_at_s for trial in measured)
        began = datetime.fromisoformat(facts.started_at).timestamp()
        facts = replace(facts, wall_s=last - began, measuring_s=last - first)
    return Recorded(
        facts=facts,
        machine=setting.machine,
        plan=setting.plan,
        calibrations=calibrations,
        probes=probes,
        trials=tuple(trials),
        open_trials=tuple(open_trials),
        ceiling=ceiling,
        in_force=in_force,
    )


def new_run_id(at_s: float, seed: int) -> str:
    """Return the name of a run from its start and its seed; names sort by time."""
    moment = datetime.fromtimestamp(at_s, UTC)
    return f"{moment:%Y%m%d-%H%M%S}-{seed % 0x10000:04x}"


def versions_of(greeting: Mapping[str, object]) -> dict[str, str]:
    """Return the versions in the generator's greeting."""
    return {name: str(greeting[name]) for name in ("locust", "python") if name in greeting}
