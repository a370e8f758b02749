"""The backend ``processes``: a stack of ordinary processes, for machines without Docker.

gunicorn replicas listen on their own loopback addresses. nginx stands in front of them, with the
same template as in containers, and the generator is a child process. ``members`` starts them,
``cpu_limits`` sets their budgets, and ``watchdog`` removes them, however the harness ends.
"""

from __future__ import annotations

import secrets
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from loadtests.environments.child_python import module_argv, python_path
from loadtests.environments.processes import (
    addresses,
    cpu_limits,
    leftovers,
    lent,
    postgres,
    project,
    proxy,
    serving,
    watchdog,
)
from loadtests.environments.processes.addresses import Addresses
from loadtests.environments.processes.members import Members
from loadtests.environments.processes.replicas import open_files, shared_use
from loadtests.environments.processes.replicas.controls import IdleControls, control_names
from loadtests.environments.processes.replicas.starter import Starter, replica_names
from loadtests.environments.protocol import Say
from loadtests.environments.removal import remove_dead
from loadtests.environments.replica_environment import NO_SETTINGS, Settings
from loadtests.environments.shared.looks import SharedLooks
from loadtests.environments.wait_idle import busy_after, wait_until_quiet
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.plan import Plan, TrialSpec, Upstream
from loadtests.model.stack import HostReading, LogLines, Reading, ReplicaState
from loadtests.model.tested.in_force import ServerProcess
from loadtests.model.tested.shared import SharedUse
from loadtests.model.tested.target import SAMPLE, Target, TargetKind
from loadtests.model.vocabulary import Role
from loadtests.planning.budget import cores_used, service_parts
from loadtests.servers import own_command
from loadtests.tools import files, host, nginx, proc, procfs, signals
from loadtests.tools.proc import Child, Service

PROXY = "proxy"
GENERATOR = "generator"
METRONOME = "metronome"
WSGI_APP = "app:create_app()"

QUIET_LIMIT_S = 20.0
"""Seconds in which a user's replicas have to become idle; the rule ``idle_cost`` judges others."""

PROXY_LIMIT_S = 10.0
"""How long nginx may take to apply a new configuration; it usually takes 50 ms."""


class ProcessesBackend:
    """Brings stacks up as processes of this machine, with the application of a checkout.

    ``tested`` is the target; of the sample application, ``wsgi_app`` is what gunicorn serves, as an
    import string (``package:create_app()``) that can be imported from ``root``. ``lends`` says that
    the target's interpreter gets Twofold's own gunicorn.
    """

    name = "processes"

    def __init__(
        self,
        root: Path,
        *,
        tested: Target = SAMPLE,
        settings: Settings = NO_SETTINGS,
        wsgi_app: str = WSGI_APP,
        lends: bool = False,
    ) -> None:
        self._tested = tested
        self._lends = lends
        self._root = root
        self._settings = settings
        self._wsgi_app = wsgi_app

    @contextmanager
    def open(self, plan: Plan, folder: Path, say: Say) -> Iterator[ProcessesStack]:
        """Start everything that the plan needs, and end all of it at the end of the block."""
        remove_dead(leftovers.remains(), say)
        if self._tested.kind is TargetKind.SAMPLE:
            project.check_sample(self._root)
        serving.check(plan.workers, self._tested, root=self._root, limit_s=plan.start_limit_s)
        program = nginx.find_program()
        if program is None:
            raise EnvironmentFailure(nginx.MISSING)
        database = postgres.find() if plan.with_store else None
        logs = folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        names = replica_names(plan)
        members_named = (*names, *control_names(plan.workers, self._tested))
        places = addresses.of_stack(plan, members_named, port=self._tested.port)
        with watchdog.guard(log=logs / "watchdog.log") as stack_folder:
            limits = cpu_limits.find(stack_folder.name)
            leftovers.claim(stack_folder, limits.folders)
            say(f"CPU budgets: {limits.description}")
            members = Members(stack_folder, limits, logs)
            try:
                database_url = None
                if database is not None:
                    say("Starting PostgreSQL")
                    database_url = postgres.start(
                        plan, database, members, places, root=self._root, stack_folder=stack_folder
                    )
                say(f"Starting {len(names)} replicas")
                stack = ProcessesStack(
                    self._root,
                    plan,
                    folder,
                    stack_folder,
                    members,
                    places,
                    program,
                    tested=self._tested,
                    settings=self._settings,
                    wsgi_app=self._wsgi_app,
                    database_url=database_url,
                    lent=lent.lend(self._tested, stack_folder) if self._lends else None,
                )
                yield stack
            finally:
                with signals.shield():
                    say("Taking the stack down")
                    members.stop()


class ProcessesStack:
    """A running stack of processes; see ``environments.protocol.Stack``."""

    periods_spread: bool | None = None
    _generation = 0
    _notes: tuple[str, ...] = ()

    def __init__(
        self,
        root: Path,
        plan: Plan,
        folder: Path,
        stack_folder: Path,
        members: Members,
        places: Addresses,
        nginx_program: str,
        *,
        tested: Target = SAMPLE,
        settings: Settings = NO_SETTINGS,
        wsgi_app: str = WSGI_APP,
        database_url: str | None = None,
        lent: Path | None = None,
    ) -> None:
        self._root = root
        self._tested = tested
        self._budget = plan.budget
        self._generator_processes = plan.generator_processes
        self._generator_cores, self._proxy_cores = service_parts(plan.budget.service_cores)
        self._folder = folder
        self._stack_folder = stack_folder
        self._members = members
        self._places = places
        self._nginx = nginx_program
        self._database_url = database_url
        self._proxy: Service | None = None
        self._cores = cores_used(plan.budget)
        self.proxy_host = places.proxy_host
        self.status_url = f"http://{self.proxy_host}:{places.status_port}/status"
        self._looks = SharedLooks()
        self._workers = {worker.name: worker for worker in plan.workers}
        self._starter = Starter(
            root=root,
            stack_folder=stack_folder,
            members=members,
            tested=tested,
            settings=settings,
            wsgi_app=wsgi_app,
            secret_key=secrets.token_hex(32),
            database_url=database_url,
            lent=lent,
            start_limit_s=plan.start_limit_s,
        )
        self.replicas = tuple(
            self._starter.start(worker, number, places.replicas[name])
            for name, (worker, number) in replica_names(plan).items()
        )
        self._controls = IdleControls(self._starter, plan.workers, places.replicas)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found since the start."""
        return (*self._notes, *self._controls.notes)

    def idle_controls(self) -> tuple[str, ...]:
        """Return the names of the idle controls that run."""
        return self._controls.running()

    @property
    def host_cores(self) -> tuple[int, ...]:
        """The cores that the run uses."""
        return self._cores or host.usable_cores()

    def start_generator(self) -> Child:
        """Start the generator as a child of this process."""
        words = ("loadtests.generator", "--processes", str(self._generator_processes))
        return self._speak(GENERATOR, *words, cores=self._generator_cores)

    def start_metronome(self) -> Child:
        """Start the CPU speed probe on the replicas' cores, as a child of this process."""
        cores = self._budget.replica_cores or host.usable_cores()
        return self._speak(METRONOME, "loadtests.generator.metronome", ",".join(map(str, cores)))

    def _speak(self, member: str, module: str, *words: str, cores: Sequence[int] = ()) -> Child:
        argv = module_argv(module, *words)
        return self._members.speak(member, argv, env=python_path(), cores=cores)

    def activate(self, spec: TrialSpec) -> None:
        """Do nothing: all replicas are up, and each cell has its own port."""

    def configure_proxy(self, upstreams: Sequence[Upstream]) -> None:
        """Start the proxy with these upstreams, or reload it with them.

        This also limits the replicas to the budget of the plan. Until then they may use the whole
        machine, so that they start ten times faster.
        """
        self._generation += 1
        config = self._folder / "nginx.conf"
        files.write(
            config,
            proxy.config(
                self._nginx,
                self._root / "compose/nginx.conf.j2",
                upstreams,
                self._places,
                folder=self._stack_folder,
                generation=self._generation,
            ),
        )
        prefix = str(self._stack_folder)
        proc.run(nginx.check_argv(self._nginx, config=str(config), prefix=prefix))
        if self._proxy is None:
            argv = nginx.serve_argv(self._nginx, config=str(config), prefix=prefix)
            self._proxy = self._members.serve(
                PROXY, argv, cwd=self._stack_folder, cores=self._proxy_cores
            )
        else:
            self._proxy.signal(signal.SIGHUP)
        proc.wait_until(
            self._proxy_is_configured,
            limit_s=PROXY_LIMIT_S,
            failure=lambda: (
                f"The proxy did not apply its configuration in {PROXY_LIMIT_S:g} s. The end of its"
                f" log:\n{self.log_of(PROXY)}"
            ),
        )
        names = [replica.name for replica in self.replicas]
        names += [Role.STORE] if self._database_url is not None else []
        self._members.check_alive(names)
        self._wait_until_quiet(names)
        self.periods_spread = self._members.hold(names, self._budget)
        self._controls.hold(self._budget)

    def end_proxy_worker(self, pid: int) -> None:
        """Let nginx's worker process end."""
        proxy.end_worker(self._members.pid_of(PROXY), pid)

    def _wait_until_quiet(self, names: Sequence[str]) -> None:
        """Wait until replicas are idle; a user's application may have work without requests."""
        if self._tested.kind is TargetKind.SAMPLE:
            wait_until_quiet(names, self.read)
        elif busy := busy_after(names, self.read, limit_s=QUIET_LIMIT_S):
            self._notes = (*self._notes, f"Use CPU without any request: {', '.join(busy)}.")

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        """Read the counters of these members now."""
        return self._members.read(members)

    def read_host(self) -> HostReading | None:
        """Read the times of the cores that the run uses."""
        return host.read_host(self.host_cores)

    def identities(self) -> Mapping[str, str]:
        """Return the process ids and start times of each member."""
        return self._members.identities()

    def log_of(self, member: str) -> str:
        """Return the end of a member's log."""
        return self._members.log_of(member)

    def log_lines(self, member: str) -> LogLines:
        """Return all lines of a member's log."""
        return self._members.log_lines(member)

    def state_of(self, member: str) -> ReplicaState:
        """Return whether a replica runs, and where it listens."""
        return ReplicaState(
            exit_code=self._members.exit_code_of(member),
            listening=procfs.listening(self._members.pid_of(member)),
        )

    def first_log(self, member: str) -> str:
        """Return the beginning of a member's log."""
        return self._members.first_log(member)

    def processes_of(self, member: str) -> tuple[ServerProcess, ...]:
        """Return a member's processes."""
        worker = self._workers.get(member.rpartition("-")[0])
        is_ours = worker is not None and worker.server != own_command.SERVER.name
        python = self._starter.python_of(worker) if worker and is_ours else None
        return serving.processes_of(self._members.pid_of(member), python)

    def run_module(self, module: str, text: str) -> str:
        """Run a module of the generator's package, and return its output."""
        return proc.run(module_argv(module), env=python_path(), input_text=text).stdout

    def variables_of(self, member: str) -> Mapping[str, str]:
        """Return the variables that a member was started with."""
        return self._members.variables_of(member)

    files_are_shared = True

    def files_written(self, member: str, *, limit_s: float) -> tuple[str, ...]:  # noqa: ARG002
        """Return the files of the target's folder that a member has open for writing."""
        folder = self._tested.folder
        if folder is None:
            return ()
        return open_files.written_below(Path(folder), self._members.pid_of(member))

    def further_replica(self, worker: str) -> AbstractContextManager[str]:
        """Start one more replica of a worker model for as long as the block lasts."""
        number = 1 + sum(replica.worker == worker for replica in self.replicas)
        return self._starter.further(self._workers[worker], number, addresses.beside(self._places))

    def look_at_shared(self) -> SharedUse:
        """Return the sessions of the store and the locked files, as the kernel shows them."""
        names = [replica.name for replica in self.replicas]
        stores = [Role.STORE] if self._database_url is not None else []
        return shared_use.look(self._looks, self._members, names, stores)

    def _proxy_is_configured(self) -> bool:
        self._members.check_alive([PROXY])
        return proxy.generation(self._places) == self._generation
