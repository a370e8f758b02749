"""The options of ``twofold gate``, and their checks. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.config import names
from loadtests.config.options import check_start_limit
from loadtests.gate.model.vocabulary import SideName
from loadtests.model.errors import UsageError
from loadtests.model.plan import START_LIMIT_S, WorkerModel
from loadtests.model.tested.project import Project
from loadtests.model.tested.target import TargetKind
from loadtests.model.tested.variables import HIDDEN, name_only
from loadtests.model.tested.workload import Workload
from loadtests.planning.variant_fit import check_served
from loadtests.servers.registry import image_models
from loadtests.targets.workloads import WORKLOADS

MARGIN = 0.05
"""A loss of 5 % matters to most teams, and a gate detects it in minutes."""

MAX_MINUTES = 8.0
"""Measuring time per worker model, in minutes; most gates need two."""

MOST_VARIANTS = 2

NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
NOT_IN_VALUES = frozenset("\n\r\"'`$\\#")
"""Characters that Compose v1 and v2 read differently in an environment file."""

RESERVED = frozenset({"WORKER_MODEL", "SECRET_KEY"})
"""Variables that the stack sets itself."""


@dataclass(frozen=True, kw_only=True)
class GateOptions:
    """The options of a gate; None means "the default".

    ``project`` is the user's target with its load; without one, the versions are the sample
    application's, or images and Dockerfiles without any configuration. ``base_image`` and
    ``head_image`` name images in the place of ``base`` and ``head``. ``folder`` is where the
    target's name starts from; None means the working folder. ``variants`` are one that both
    versions are served by, or two: the first one's is base, the second one's is head.
    ``build_network`` is that of the builds; None is the engine's own.
    """

    base: str | None = None
    head: str | None = None
    base_image: str | None = None
    head_image: str | None = None
    project: Project | None = None
    folder: Path | None = None
    variants: tuple[str, ...] = ()
    workers: tuple[str, ...] = ("gthread",)
    workload: str = "cpu"
    margin: float = MARGIN
    max_minutes: float = MAX_MINUTES
    scaling: bool = True
    profile: bool | None = None
    """Whether to name functions; None means: where something changed."""
    seed: int | None = None
    base_environment: Mapping[str, str] = field(default_factory=dict)
    head_environment: Mapping[str, str] = field(default_factory=dict)
    build_network: str | None = None
    start_limit_s: float = START_LIMIT_S
    """How long a start may take until it answers."""

    @property
    def environments(self) -> dict[SideName, Mapping[str, str]]:
        """The variables of each version."""
        return {SideName.BASE: self.base_environment, SideName.HEAD: self.head_environment}

    def asked_of(self, side: SideName) -> str | None:
        """Return the name of a version."""
        return self.base if side is SideName.BASE else self.head

    def image_of(self, side: SideName) -> str | None:
        """Return the image that is a version, whatever its name."""
        return self.base_image if side is SideName.BASE else self.head_image


def known_workers() -> tuple[str, ...]:
    """Return the worker models that a gate can have: those that an image starts by itself."""
    return tuple(image_models())


def check(options: GateOptions) -> GateOptions:
    """Return the options; raise :class:`UsageError` for a bad value, with a valid example."""
    models = models_of(options)
    if options.project is not None:
        named = (model for pair in models.values() for model in pair)
        check_served(options.project.tested, named, options.project.workers.values())
    load_of(options)
    check_start_limit(options.start_limit_s)
    if not 0.005 <= options.margin <= 0.5:
        raise UsageError(
            f"--margin is {options.margin:g}; it is the loss that still passes, as a ratio between"
            " 0.005 and 0.5. Try --margin 0.05."
        )
    if not 0.1 <= options.max_minutes <= 24 * 60:
        raise UsageError(
            f"--max-minutes is {options.max_minutes:g}; it lies between 0.1 and a day."
            f" Try --max-minutes {MAX_MINUTES:g}."
        )
    return options


def is_users(options: GateOptions) -> bool:
    """Return whether the target is the user's own, which is started as it is."""
    return options.project is not None and options.project.tested.kind is not TargetKind.SAMPLE


def known_models(options: GateOptions) -> dict[str, WorkerModel]:
    """Return the variants that the target of a gate can have, by name.

    The sample application's are those that its image starts by itself.
    """
    if options.project is None or not is_users(options):
        return image_models()
    return dict(options.project.workers)


def models_of(options: GateOptions) -> dict[str, tuple[WorkerModel, WorkerModel]]:
    """Return how base and head are served, by the name of each comparison.

    Raises :class:`UsageError` for a name that is none, and for more than two variants.
    """
    known = known_models(options)
    names.check("variant", options.variants, known)
    _check_pythons([known[name] for name in options.variants or options.workers if name in known])
    if len(options.variants) > MOST_VARIANTS:
        raise UsageError(
            f"--variants has {len(options.variants)} names. It takes one, which both versions are"
            " served by, or two, which are compared: --variants gthread,sync. To compare more of"
            " them: twofold compare."
        )
    if len(options.variants) == MOST_VARIANTS:
        base, head = options.variants
        if options.base is not None or options.base_image is not None:
            raise UsageError(
                "Two --variants are compared on one version, so --base has no meaning. Leave it"
                " out: --head names the version."
            )
        return {f"{base}-to-{head}": (known[base], known[head])}
    workers = options.variants or options.workers
    if not workers:
        raise UsageError(f"--workers names no worker model. Known: {', '.join(known)}.")
    names.check("worker model", workers, known)
    return {name: (known[name], known[name]) for name in workers}


def _check_pythons(models: Iterable[WorkerModel]) -> None:
    """Raise :class:`UsageError` for a Python of a variant's own: a gate's versions are images."""
    for model in models:
        if model.python is not None:
            raise UsageError(
                f"The variant {model.name} asks for the Python {model.python}, and a gate's"
                " containers have the one of their image. Leave the key python out. To compare"
                " Pythons: twofold run --backend processes, then twofold compare."
            )


def load_of(options: GateOptions) -> Workload:
    """Return what users ask: a workload by its name, or any path.

    Raises :class:`UsageError` for a name that is none.
    """
    project, name = options.project, options.workload
    if project is not None and name in project.workloads and project.workloads[name].is_users:
        return project.workloads[name]
    if is_users(options) and not name.startswith("/"):
        assert project is not None
        raise UsageError(
            f"--workload {name!r} is unknown. Known: {', '.join(project.workloads)}, or a path such"
            " as /search?q=a."
        )
    return Workload(name=name, path=path_of(name))


def path_of(workload: str) -> str:
    """Return the path of a workload: a built-in one by name, or any path as it is."""
    if workload.startswith("/"):
        return workload
    available = workloads()
    if workload not in available:
        reason = " needs a store, and a gate's stack has none" if workload in WORKLOADS else ""
        raise UsageError(
            f"--workload {workload!r}{reason or ' is unknown'}. Known: {', '.join(available)}, or a"
            " path such as /search?q=a."
        )
    return WORKLOADS[workload].path


def workloads() -> tuple[str, ...]:
    """Return the names of the workloads that a gate can use: those without a store."""
    return tuple(name for name, entry in WORKLOADS.items() if not entry.needs_store)


def environment(given: Iterable[str], option: str, *, is_own: bool = False) -> dict[str, str]:
    """Return the variables in ``NAME=VALUE`` texts; raise :class:`UsageError` for a bad one.

    A user's own target (``is_own``) takes any name and value.
    """
    variables: dict[str, str] = {}
    for assignment in given:
        name, equals, value = assignment.partition("=")
        if not equals or not name or not NAME_CHARACTERS.issuperset(name):
            raise UsageError(
                f"{option} {name_only(assignment)!r} is not NAME=VALUE. Try {option} DEBUG=0."
            )
        if not is_own and NOT_IN_VALUES.intersection(value):
            raise UsageError(
                f"{option} {name}: the value has a quote, a line break or one of `$\\#, which"
                " Compose may change. Set it in the image instead."
            )
        if value == HIDDEN:
            raise UsageError(
                f"{option} {name} is {HIDDEN}, which stands for a value that was not written down."
                " Put the value there."
            )
        if name in RESERVED and not is_own:
            raise UsageError(
                f"{option} {name} cannot be set: the stack sets it itself. Leave it out."
            )
        variables[name] = value
    return variables
