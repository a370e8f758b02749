"""A deployment that runs already, as a stack: only the generator is ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from loadtests.environments.child_python import module_argv, python_path
from loadtests.environments.external.deployment import Deployment
from loadtests.environments.external.generators import argv_of
from loadtests.environments.external.hooks import node_of
from loadtests.environments.external.nearness import is_this_machine
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.plan import Plan, TrialSpec, Upstream
from loadtests.model.stack import (
    DeploymentSeen,
    HostReading,
    LogLines,
    Reading,
    Replica,
    ReplicaState,
)
from loadtests.model.tested.in_force import ServerProcess
from loadtests.model.vocabulary import AS_SCALED, DEPLOYMENT, Role
from loadtests.planning.external_plan import SCALE_S, expected_at
from loadtests.tools import host, proc, procfs
from loadtests.tools.proc import Child

GENERATOR = Role.GENERATOR.value
LOG_CHARS = 4000
NAMES_SHOWN = 3


class ExternalStack:
    """See ``environments.protocol.Stack``. What cannot be read there is left out, never guessed."""

    status_url: str | None = None
    host_cores: tuple[int, ...] = ()

    def __init__(self, plan: Plan, deployment: Deployment, folder: Path) -> None:
        parts = urlsplit(plan.tested.url or "")
        self.proxy_host = in_url(parts.hostname or "")
        self._worker = plan.workers[0].name
        self._argv = argv_of(plan)
        self._is_here = not plan.generator_workers
        self._is_at_own_address = plan.tested.shares_machine
        self._variables = variables_of(plan)
        self._deployment = deployment
        self._logs = folder / "logs"
        self._generator: Child | None = None
        self._plan = plan
        self._has_told = False
        self._has_counted = False
        self._uncounted: str | None = None

    @property
    def replicas(self) -> tuple[Replica, ...]:
        """The replicas that serve now. Their address is the name by which an answer names them."""
        return tuple(
            Replica(
                name=f"{self._worker}-{number}",
                worker=self._worker,
                number=number,
                address=name,
                identity=name,
            )
            for number, name in enumerate(self._deployment.names, start=1)
        )

    def activate(self, spec: TrialSpec) -> None:
        """Scale the deployment to a trial's number of replicas."""
        self.scale_to(spec.cell.replicas)

    def scale_to(self, replicas: int) -> None:
        """Scale the deployment; the first time, tell how long that takes, and so the run."""
        self._deployment.scale_to(replicas)
        scale_s = self._deployment.scale_s
        if scale_s is None or self._has_told:
            return
        self._has_told = True
        least, most = (f"{seconds / 60:.1f}" for seconds in expected_at(self._plan, scale_s))
        minutes = least if least == most else f"{least} to {most}"
        self._deployment.say(
            f"Scaling took {scale_s:.0f} s, and {SCALE_S:g} s were assumed: the run takes about"
            f" {minutes} min"
        )

    def forget_replicas(self) -> None:
        """Look whether somebody else scaled; let the next trial wait for what a reset rolls out."""
        self._deployment.forget()

    def start_generator(self) -> Child:
        """Start the generator as a child of this process; it may be what asks other machines."""
        self._logs.mkdir(parents=True, exist_ok=True)
        env = python_path() | self._variables
        self._generator = Child(self._argv, log=self._logs / f"{GENERATOR}.log", env=env)
        return self._generator

    def start_metronome(self) -> None:
        """Return None: the deployment's cores are not ours to probe."""

    def configure_proxy(self, upstreams: Sequence[Upstream]) -> None:
        """Do nothing: the deployment has its own balancer."""

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        """Return the counters that the hook prints, and the generator's own."""
        return (*self._replica_readings(members), *self._generator_reading(members))

    def _replica_readings(self, members: Collection[str]) -> list[Reading]:
        names = {replica.identity: replica.name for replica in self.replicas}
        asked_s = proc.now_s()
        counters = self._deployment.runner.counters()
        took_s = proc.now_s() - asked_s
        self._uncounted = self._left_out({*names}, [counter.name for counter in counters])
        return [
            Reading(
                member=names[counter.name],
                role=Role.REPLICA,
                at_s=asked_s + took_s / 2 if counter.at_s is None else counter.at_s,
                cpu_s=counter.cpu_s,
                throttled_s=counter.throttled_s,
                limit_cpus=counter.limit_cpus,
                took_s=took_s if counter.took_s is None else counter.took_s,
                asked_at_s=asked_s,
                elsewhere=True,
            )
            for counter in counters
            if names.get(counter.name) in members
        ]

    def _left_out(self, names: Collection[str], printed: Sequence[str]) -> str | None:
        """Return which replicas ``counters`` left out, in a sentence; None for none.

        Raises :class:`EnvironmentFailure` where it never named any: its names are other ones.
        """
        runner = self._deployment.runner
        missing, others = sorted({*names} - {*printed}), sorted({*printed} - {*names})
        self._has_counted = self._has_counted or len(missing) < len(names)
        if not missing or not runner.has_counters:
            return None
        if others and not self._has_counted and self._deployment.change() is None:
            raise EnvironmentFailure(
                f"The hook 'counters' names {_some(others)}, which 'replicas' does not print: that"
                f" names {_some(missing)}. Let both print the same names."
            )
        why = f" It says: {runner.aside.rstrip('.')}." if runner.aside else ""
        named = f", but names {_some(others)}, which 'replicas' does not print" if others else ""
        return f"The hook 'counters' prints no line for {_some(missing)}{named}.{why}"

    def look_at_deployment(self) -> DeploymentSeen:
        """Return where the replicas are, and which ones ``counters`` left out at last."""
        return DeploymentSeen(nodes=self._nodes(), uncounted=self._uncounted)

    def _nodes(self) -> Mapping[str, str]:
        """Return the nodes of the replicas by their names, as far as ``replicas`` tells them."""
        identities = self._deployment.identities
        return {
            replica.name: node
            for replica in self.replicas
            if (node := node_of(identities.get(replica.identity, ""))) is not None
        }

    def _generator_reading(self, members: Collection[str]) -> list[Reading]:
        if self._generator is None or GENERATOR not in members or not self._is_here:
            return []
        family = procfs.family(self._generator.pid)
        cpu_s = sum(process.cpu_s for process in family)
        return [Reading(member=GENERATOR, role=Role.GENERATOR, at_s=proc.now_s(), cpu_s=cpu_s)]

    def read_host(self) -> HostReading | None:
        """Return the CPU counters of the generator's machine; None where that is another one.

        Also None where the deployment is on it: its CPU cannot be told from that of others.
        """
        if self._is_at_own_address or not self._is_here:
            return None
        if any(map(is_this_machine, self._nodes().values())):
            return None
        return host.read_host(host.usable_cores())

    def identities(self) -> Mapping[str, str]:
        """Return what has become of the deployment since it got its number of replicas."""
        return {DEPLOYMENT: self._deployment.change() or AS_SCALED}

    @property
    def foreign_change(self) -> str | None:
        """How somebody else changed the number of replicas, in a clause."""
        return self._deployment.foreign

    @property
    def notes(self) -> tuple[str, ...]:
        """Return how many replicas there were before, for whoever has to put them back."""
        return (f"The deployment had {self._deployment.before} replicas before the run.",)

    def state_of(self, member: str) -> ReplicaState:  # noqa: ARG002  it is the deployment's
        """Return nothing that is known."""
        return ReplicaState()

    def log_of(self, member: str) -> str:
        """Return the end of the generator's log; other logs are the deployment's."""
        log = self._logs / f"{member}.log"
        return (
            log.read_text(errors="replace", encoding="utf-8")[-LOG_CHARS:]
            if log.exists()
            else "(no log here)"
        )

    def log_lines(self, member: str) -> LogLines:  # noqa: ARG002  the logs are not here
        """Return nothing: the replicas' logs are the deployment's."""
        return LogLines(lines=())

    def first_log(self, member: str) -> str:  # noqa: ARG002  the deployment's logs are not here
        """Return nothing: the replicas' logs are the deployment's."""
        return ""

    def processes_of(self, member: str) -> tuple[ServerProcess, ...]:  # noqa: ARG002  likewise
        """Return nothing: the replicas' processes run elsewhere."""
        return ()

    def run_module(self, module: str, text: str) -> str:
        """Run a module of the generator's package, and return its output."""
        return proc.run(module_argv(module), env=python_path(), input_text=text).stdout


def _some(names: Sequence[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return f"{', '.join(names[:NAMES_SHOWN])}{more}"


def in_url(host: str) -> str:
    """Return a host as URLs have it: an IPv6 address is in brackets (RFC 3986, 3.2.2)."""
    return f"[{host}]" if ":" in host else host


def variables_of(plan: Plan) -> dict[str, str]:
    """Return the generator's variables: the replica's header, the host's address, the most rps.

    See ``loadtests/generator``: ``http/head.py``, ``http/pinned.py`` and ``loops/limit.py``.
    """
    tested = plan.tested
    variables = {}
    if plan.max_rps is not None:
        processes = plan.generator_processes * max(1, len(plan.generator_workers))
        variables["TWOFOLD_MAX_RPS"] = str(plan.max_rps / processes)
    # Without a header of the deployment's, no answer names its replica, whatever it has.
    header = tested.hooks.header if tested.hooks is not None else None
    variables["TWOFOLD_REPLICA_HEADER"] = header or ""
    host = urlsplit(tested.url or "").hostname
    if host and tested.address:
        variables["TWOFOLD_ADDRESS"] = f"{host}={tested.address}"
    return variables
