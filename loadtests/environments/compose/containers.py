"""The running containers of a stack: counters, logs, and the programs in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from loadtests.environments.compose import further
from loadtests.environments.compose.files import joined
from loadtests.environments.compose.projects import Project
from loadtests.environments.counters import (
    Counters,
    EngineCounters,
    KernelCounters,
    is_control,
)
from loadtests.environments.protocol import FIRST_LOG_CHARS
from loadtests.environments.proxy_shell import ProxyShell
from loadtests.model.errors import ProcessFailure
from loadtests.model.plan import TrialSpec, Upstream
from loadtests.model.stack import HostReading, LogLines, Reading, Replica, ReplicaState
from loadtests.model.tested.in_force import ServerProcess
from loadtests.model.vocabulary import Role
from loadtests.servers import entry, interpreter
from loadtests.tools import cgroup, docker, host, nginx, procfs
from loadtests.tools.proc import Child

STATUS_PORT = 9000
PROXY_FOLDER = "/run/nginx"
PROXY_CONFIG = f"{PROXY_FOLDER}/nginx.conf"
WRITE_CONFIG = ("sh", "-c", f"cat > {PROXY_CONFIG}.new && mv {PROXY_CONFIG}.new {PROXY_CONFIG}")
"""Writes standard input; first under another name: the proxy starts as soon as the file exists."""

LOG_LINES = 20
"""Lines of a log that a message shows."""

MOST_LOG_LINES = 50_000
"""Lines of a log that are searched: some ten megabytes, which the engine gives as one piece."""


ASK_LIMIT_S = 30.0
_ASK_PYTHON = "import platform; print(platform.python_implementation())"
_LIST_PROGRAMS = ("sh", "-c", "for p in /proc/[0-9]*/exe; do readlink -f $p; done")
"""Writes the files that a container's processes run, as far as its user may see them."""


class ContainerStack:
    """The common part of a run's and a gate's stack.

    ``root`` is the folder with ``compose/``, ``folder`` the results folder. The stack uses
    ``cores``, and its replicas use ``metronome_cores``. A subclass sets ``replicas``.
    """

    replicas: tuple[Replica, ...] = ()

    def __init__(
        self,
        project: Project,
        root: Path,
        folder: Path,
        *,
        cores: Sequence[int],
        metronome_cores: Sequence[int],
        generator_processes: int = 1,
    ) -> None:
        self._project = project
        self._engine = project.engine
        self._template = (root / "compose/nginx.conf.j2").read_text(encoding="utf-8")
        self._folder = folder
        self._cores = tuple(cores)
        self._metronome_cores = tuple(metronome_cores)
        self._generator_processes = generator_processes
        self._local = docker.is_local()
        self._containers: Mapping[str, docker.Container] = {}
        self._counters: Counters = KernelCounters({})
        self._groups: dict[str, cgroup.Group | None] = {}
        self._pythons = SeenPythons()
        self._proxy_shell = ProxyShell(self._in_proxy, folder / "logs")

    def _read_containers(self) -> None:
        """Read the list of containers, and choose how to read their counters.

        A service that others needed to end, such as a migration, is no member. Nor is an idle
        control that has ended.
        """
        self._containers = {
            name: container
            for name, container in self._project.containers().items()
            if container.running or not (container.member or is_control(container))
        }
        kernel = KernelCounters(self._containers) if self._local else None
        self._counters = (
            kernel
            if kernel is not None and kernel.complete
            else EngineCounters(self._engine, self._project.name, self._containers)
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found, changed or added since the start."""
        return ()

    @property
    def proxy_host(self) -> str:
        """The proxy's address."""
        return self._containers[Role.PROXY].address

    @property
    def status_url(self) -> str | None:
        """The URL of nginx's own counters; None without our proxy."""
        return f"http://{self.proxy_host}:{STATUS_PORT}/status"

    # -- programs ---------------------------------------------------------------------------------

    def start_generator(self) -> Child:
        """Start a generator in its container."""
        processes = str(self._generator_processes)
        return self._start(Role.GENERATOR, "loadtests.generator", "--processes", processes)

    def start_metronome(self) -> Child:
        """Start the CPU speed probe in its container, on the replicas' cores."""
        cores = joined(self._metronome_cores)
        return self._start(Role.METRONOME, "loadtests.generator.metronome", cores)

    def _start(self, member: Role, module: str, *options: str) -> Child:
        logs = self._folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        argv = docker.exec_argv(self._containers[member].id, "python", "-m", module, *options)
        return Child(argv, log=logs / f"{member}.log", hopeless=docker.pulse.Watch().hopeless)

    def activate(self, spec: TrialSpec) -> None:
        """Do nothing: all replicas are up, and each cell has its own port."""

    # -- the proxy and the budgets ----------------------------------------------------------------

    def _proxy_config(self, upstreams: Sequence[Upstream]) -> str:
        """Return the configuration that passes each upstream's port to its members."""
        return proxy_config(self._template, self.replicas, upstreams, listen_host=self.proxy_host)

    def _start_proxy(self, config: str) -> None:
        """Write the proxy's configuration, which starts it."""
        docker.pulse.ask(self._in_proxy(*WRITE_CONFIG), input_text=config)

    def _in_proxy(self, *command: str) -> tuple[str, ...]:
        return docker.exec_argv(self._containers[Role.PROXY].id, *command)

    def _hold(
        self,
        names: Sequence[str],
        *,
        cpus: float | None,
        cores: Sequence[int],
        period_us: int | None = None,
    ) -> None:
        """Limit members to a CPU budget and to cores, if there are any."""
        if cpus is not None or cores:
            ids = [self._containers[name].id for name in names]
            docker.pulse.ask(docker.update_argv(ids, cpus=cpus, cores=cores, period_us=period_us))

    def _group(self, member: str) -> cgroup.Group | None:
        if member not in self._groups:
            self._groups[member] = cgroup.group_of(self._containers[member].pid)
        return self._groups[member]

    def end_proxy_worker(self, pid: int) -> None:
        """Let nginx's worker process end, by its id in the proxy's container."""
        self._proxy_shell.end(pid)

    def close(self) -> None:
        """End what runs in the containers beside their own programs."""
        self._proxy_shell.close()

    # -- counters and logs ------------------------------------------------------------------------

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        """Return the present counters of these members.

        ``store`` stands for all services that the replicas need.
        """
        needed = [name for name, container in self._containers.items() if container.member]
        return self._counters.read([*members, *needed] if Role.STORE in members else members)

    def read_host(self) -> HostReading | None:
        """Return the CPU counters of the machine, or None if the engine is on another one."""
        return host.read_host(self._cores) if self._local else None

    def identities(self) -> Mapping[str, str]:
        """Return an identity for each member, which changes with a restart."""
        return self._counters.identities()

    files_are_shared = False

    def files_written(self, member: str, *, limit_s: float) -> tuple[str, ...] | None:
        """Return what a member changed in its file system; None if that takes too long."""
        driver = str(self._engine.facts().get("Driver"))
        return further.files_written(self._containers[member].id, driver=driver, limit_s=limit_s)

    def further_replica(self, worker: str) -> AbstractContextManager[str]:
        """Start one more replica of a worker model for as long as the block lasts."""
        own = [replica for replica in self.replicas if replica.worker == worker]
        port = own[0].address.rpartition(":")[2]
        return further.further_replica(self._project, worker, running=len(own), port=port)

    def container(self, member: str) -> str:
        """Return the id of a member's container."""
        return self._containers[member].id

    def log_of(self, member: str) -> str:
        """Return the end of a member's log."""
        container = self._containers.get(member)
        return self._engine.log(container.id, lines=LOG_LINES) if container else "(no container)"

    def log_lines(self, member: str) -> LogLines:
        """Return the last lines of a member's log, a great many."""
        container = self._containers.get(member)
        return last_lines(self._engine, container.id) if container else LogLines(lines=())

    def state_of(self, member: str) -> ReplicaState:
        """Return whether a replica runs, and where it listens."""
        container = self._project.containers().get(member)
        if container is None:
            return ReplicaState()
        listeners = procfs.listeners_of(container.pid) if self._local and container.pid else None
        return ReplicaState(
            exit_code=None if container.running else container.exit_code,
            out_of_memory=container.out_of_memory,
            listening=None if listeners is None else tuple(map(str, listeners)),
        )

    def first_log(self, member: str) -> str:
        """Return the beginning of a member's log, without the engine's times."""
        log = self._engine.log(self._containers[member].id)[:FIRST_LOG_CHARS]
        return "\n".join(line.partition(" ")[2] for line in log.splitlines())

    def processes_of(self, member: str) -> tuple[ServerProcess, ...]:
        """Return a member's processes; () if the engine cannot list them."""
        rows = self._engine.processes(self._containers[member].id)
        return parse_processes(rows, implementation=self._implementation_of(member, rows))

    def _implementation_of(self, member: str, rows: Sequence[Sequence[str]]) -> str | None:
        """Return what a member's Python calls itself; None where that is not known."""
        return self._pythons.of(self._containers[member].id, rows)

    def variables_of(self, member: str) -> Mapping[str, str]:
        """Return the variables of a member's container."""
        return self._engine.variables(self._containers[member].id)

    def run_module(self, module: str, text: str) -> str:
        """Run a module of the generator's package in its container, and return its output."""
        argv = docker.exec_argv(self._containers[Role.GENERATOR].id, "python", "-m", module)
        return docker.pulse.ask(argv, input_text=text).stdout


def proxy_config(
    template: str, replicas: Sequence[Replica], upstreams: Sequence[Upstream], *, listen_host: str
) -> str:
    """Return nginx's configuration, which passes each upstream's port to its members."""
    addresses = {(replica.worker, replica.number): replica.address for replica in replicas}
    servers = [
        nginx.ServerBlock(
            port=upstream.port,
            members=tuple(addresses[(upstream.worker, number)] for number in upstream.members),
            idle=upstream.idle,
        )
        for upstream in upstreams
    ]
    # Not on all addresses: a gate's proxy is in the networks of both versions, too.
    return nginx.render(
        template, servers, status_port=STATUS_PORT, folder=PROXY_FOLDER, listen_host=listen_host
    )


def last_lines(engine: docker.Engine, container: str) -> LogLines:
    """Return the last ``MOST_LOG_LINES`` lines of a container's log."""
    lines = engine.log(container, lines=MOST_LOG_LINES).splitlines()
    return LogLines(lines=lines, is_whole=len(lines) < MOST_LOG_LINES)


def parse_processes(
    rows: Sequence[Sequence[str]], *, implementation: str | None = None
) -> tuple[ServerProcess, ...]:
    """Convert the rows of ``docker top`` with the columns pid, ppid, nlwp and args.

    ``implementation`` is what their Python calls itself.
    """
    return tuple(
        ServerProcess(
            pid=int(pid),
            parent=int(parent),
            threads=int(threads),
            command=" ".join(words),
            implementation=implementation,
        )
        for pid, parent, threads, *words in rows
    )


class SeenPythons:
    """What the Pythons in containers of users' images call themselves.

    Each container is looked into once, from inside: ids of processes may mean others here.
    """

    def __init__(self) -> None:
        self._by_container: dict[str, str | None] = {}

    def of(
        self, container: str, rows: Sequence[Sequence[str]], *, node: str | None = None
    ) -> str | None:
        """Return what the Python of a container with these processes is, or None.

        ``rows`` are as in :func:`parse_processes`, ``node`` as in :func:`ask_implementation`.
        """
        if not rows or not interpreter.may_be_python(" ".join(rows[0][3:])):
            return None
        if container not in self._by_container:
            self._by_container[container] = interpreter.among(_programs_in(container, node))
        return self._by_container[container]


def _programs_in(container: str, node: str | None) -> list[str]:
    """Return the files that a container's processes run; none where it has no shell."""
    argv = docker.exec_argv(container, *_LIST_PROGRAMS, host=node)
    with suppress(ProcessFailure):
        return docker.pulse.ask(argv, timeout_s=ASK_LIMIT_S, check=False).stdout.splitlines()
    return []


def ask_implementation(container: str, *, node: str | None = None) -> str | None:
    """Return what the Python of the sample's image calls itself, such as ``PyPy``, or None.

    Its program is called python, whatever it is. ``node`` is the engine of a Swarm's node.
    """
    argv = docker.exec_argv(container, entry.IN_IMAGE, "-c", _ASK_PYTHON, host=node)
    with suppress(ProcessFailure):
        return docker.pulse.ask(argv, timeout_s=ASK_LIMIT_S).stdout.strip() or None
    return None
