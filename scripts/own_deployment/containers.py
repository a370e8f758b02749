"""Brings a deployment's containers up and down, and scales it.

Each replica has a whole CPU until it answers and is quiet, and then its budget, as under Compose.
nginx passes to it from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from loadtests.environments.compose.containers import PROXY_FOLDER, STATUS_PORT, WRITE_CONFIG
from loadtests.environments.compose.stack import APP_PORT
from loadtests.environments.owner import Owner
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.plan import IdleConnections
from loadtests.tools import cgroup, docker, nginx, proc, procfs
from scripts.own_deployment.state import PORT, STATE, Member, Order, State, alone, read, write

LABEL = "io.twofold.own-deployment"
"""The label of all its containers and its network, with its name."""

OWNER_LABEL = "io.twofold.own-deployment.owner"
"""The label that names the process that brought it up."""

HEALTH, WORK = "/healthz", "/cpu"

WARM_REQUESTS = 40
"""Requests to a replica before it serves, so that no window has its first ones."""

START_CPUS = 1.0

DOCKER_LIMIT_S = 60.0
READY_LIMIT_S = 60.0
ASK_LIMIT_S = 5.0
REMOVE_LIMIT_S = 60.0

CALM_S = 1.5
"""How long nothing may appear: a hook that was ended may have asked for one more container."""

QUIET_S = 0.5
QUIET_CPUS = 0.02
"""A replica that uses less than this is quiet. gunicorn's first process looks around once a second,
and processes that still import use a whole core."""

HARDENED = (
    *("--user", "10001:10001"),
    "--read-only",
    *("--cap-drop", "ALL"),
    *("--security-opt", "no-new-privileges:true"),
    "--init",
    *("--restart", "no"),
    *("--ulimit", "nofile=16384:16384"),
    *("--log-driver", "json-file"),
    *("--log-opt", "max-size=1m"),
    *("--log-opt", "max-file=1"),
    *("--memory", "256m"),
)
"""Settings of every container, those of ``compose/compose.yaml``."""

REPLICA = (*HARDENED, *("--pids-limit", "256"), *("--tmpfs", "/tmp:size=16m"))  # noqa: S108
PROXY = (
    *(*HARDENED, "--pids-limit", "64"),
    *("--tmpfs", "/tmp:size=64m"),  # noqa: S108  folders of the container
    *("--tmpfs", "/run/nginx:size=64m"),
)
PROBE = (*HARDENED, "--pids-limit", "128")


# -- up and down ----------------------------------------------------------------------------------


def bring_up(order: Order, folder: Path) -> State:
    """Start nginx, the speed probe's container and one replica; return the deployment."""
    with alone(folder):
        _docker("network", "create", *_labels(order), order.name)
        proxy = _run(order, "proxy", PROXY, order.proxy, cores=order.proxy_cores)
        _run(order, "probe", PROBE, order.probe, cores=order.replica_cores)
        _, host = _places([proxy])[0]
        write(folder, State(order=order, proxy_host=host))
    scale(folder, 1)
    return read(folder)


def probe_argv(order: Order) -> tuple[str, ...]:
    """Return the command that runs the speed probe on the replicas' cores."""
    cores = ",".join(map(str, order.replica_cores))
    words = ("python", "-m", "loadtests.generator.metronome", cores)
    return docker.exec_argv(f"{order.name}-probe", *words)


def remove(name: str, folder: Path) -> None:
    """Remove everything of a deployment; a hook that still works is waited for."""
    with alone(folder):
        (folder / STATE).unlink(missing_ok=True)  # a later hook finds nothing to scale
        _remove(name)


def _remove(name: str) -> None:
    ours = ("--quiet", "--filter", f"label={LABEL}={name}")
    calm_since_s: float | None = None

    def is_gone() -> bool:
        nonlocal calm_since_s
        containers = _docker("ps", "--all", *ours).split()
        if containers:
            _docker("rm", "--force", "--volumes", *containers, check=False)
        networks = _docker("network", "ls", *ours).split()
        if networks:
            _docker("network", "rm", *networks, check=False)
        if containers or networks:
            calm_since_s = None
            return False
        calm_since_s = proc.monotonic_s() if calm_since_s is None else calm_since_s
        return proc.monotonic_s() - calm_since_s >= CALM_S

    proc.wait_until(
        is_gone, limit_s=REMOVE_LIMIT_S, failure=f"The deployment {name} is still there."
    )


def remove_dead(say: Callable[[str], None]) -> None:
    """Remove the deployments of campaigns that were killed."""
    for name, label in _owners().items():
        owner = Owner.from_label(label)
        if owner is not None and not owner.may_live():
            say(f"Removing {name}, which a campaign that was killed has left")
            _remove(name)


def _owners() -> dict[str, str]:
    """Return the owner's label of each deployment of which something is left, by its name."""
    form = f'{{{{.Label "{LABEL}"}}}}\t{{{{.Label "{OWNER_LABEL}"}}}}'
    ours = ("--filter", f"label={LABEL}", "--format", form)
    lines = [*_docker("ps", "--all", *ours).splitlines()]
    lines += _docker("network", "ls", *ours).splitlines()
    pairs = (line.split("\t") for line in lines if "\t" in line)
    return {name.strip(): owner.strip() for name, owner in pairs}


def scale(folder: Path, replicas: int) -> None:
    """Start or remove replicas until there are so many, and let nginx pass to them alone."""
    with alone(folder):
        state = read(folder)
        order = state.order
        kept = [each for each in state.members if each.number <= replicas and each.lives]
        missing = sorted(set(range(1, replicas + 1)) - {each.number for each in kept})
        containers = [
            _run(order, str(number), REPLICA, order.app, cores=order.replica_cores)
            for number in missing
        ]
        started = [
            _member(number, container, place)
            for number, container, place in zip(
                missing, containers, _places(containers), strict=True
            )
        ]
        _settle(started)
        if started:
            _docker("update", f"--cpus={order.cpus:g}", *containers)
        members = tuple(sorted((*kept, *started), key=lambda each: each.number))
        # A time, since the last number may not have been noted by a hook that was ended.
        after = replace(state, members=members, generation=round(1e3 * proc.now_s()))
        _pass_on(after, runs=state.generation > 0)
        write(folder, after)
        still = {each.container for each in members}
        gone = [each.container for each in state.members if each.container not in still]
        if gone:
            _docker("rm", "--force", "--volumes", *gone, check=False)


# -- replicas -------------------------------------------------------------------------------------


def _run(
    order: Order, what: str, settings: Sequence[str], image: str, *, cores: Sequence[int]
) -> str:
    """Start a container, in the place of one that a hook that was ended has left; return its id."""
    name = f"{order.name}-{what}"
    _docker("rm", "--force", "--volumes", name, check=False)
    is_replica = what.isdigit()
    pairs = order.env.items() if is_replica else ()
    argv = (
        *("run", "--detach", "--name", name, "--network", order.name),
        *(_labels(order)),
        *settings,
        *(("--cpuset-cpus", ",".join(map(str, cores))) if cores else ()),
        *((f"--cpus={START_CPUS:g}",) if is_replica else ()),
        *(word for pair in pairs for word in ("--env", "=".join(pair))),
        image,
    )
    return _docker(*argv).strip()


def _member(number: int, container: str, place: tuple[int, str]) -> Member:
    pid, host = place
    facts = procfs.facts_of(pid)
    if facts is None:
        raise EnvironmentFailure(f"Replica {number} has ended. Look: docker logs {container[:12]}")
    return Member(
        number=number,
        container=container,
        pid=pid,
        started=facts.started,
        address=f"{host}:{APP_PORT}",
        **_files_of(pid),
    )


def _files_of(pid: int) -> dict[str, str]:
    """Return the files of a process's control group that ``printed`` reads."""
    group = cgroup.group_of(pid)
    if group is None:
        raise EnvironmentFailure(f"Process {pid} has no control group that can be read.")
    folders = group.folders
    usage = str(folders["cpuacct"] / "cpuacct.usage") if group.version == 1 else ""
    return {"stat_file": str(folders["cpu"] / "cpu.stat"), "usage_file": usage}


def _places(containers: Sequence[str]) -> list[tuple[int, str]]:
    """Return the process and the address of each container."""
    if not containers:
        return []
    form = "{{.State.Pid}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    lines = _docker("inspect", "--format", form, *containers).splitlines()
    return [(int(pid), host) for pid, _, host in (line.partition(" ") for line in lines)]


def _settle(started: Sequence[Member]) -> None:
    """Wait until replicas answer, warm them, and wait until they are quiet."""
    for each in started:
        proc.wait_until(
            partial(_answers, each.address),
            limit_s=READY_LIMIT_S,
            failure=f"Replica {each.number} does not answer at {each.address}.",
        )
    for each in started:
        for _ in range(WARM_REQUESTS):
            _fetch(each.address, WORK)
    groups = [cgroup.group_of(each.pid) for each in started]

    def is_quiet() -> bool:
        before = [cgroup.read(group).cpu_s for group in groups if group]
        proc.sleep(QUIET_S)
        after = [cgroup.read(group).cpu_s for group in groups if group]
        used = (now - then for now, then in zip(after, before, strict=True))
        return all(cpu_s < QUIET_CPUS * QUIET_S for cpu_s in used)

    proc.wait_until(is_quiet, limit_s=READY_LIMIT_S, failure="New replicas do not become quiet.")


def _pass_on(state: State, *, runs: bool) -> None:
    """Give nginx its configuration, and wait until it is in force; the first one starts it."""
    order = state.order
    most, timeout_s = order.idle or (0, 0)
    idle = IdleConnections(most=most, timeout_s=timeout_s) if order.idle else None
    addresses = tuple(each.address for each in state.members)
    config = nginx.render(
        order.template,
        [nginx.ServerBlock(port=PORT, members=addresses, idle=idle)],
        status_port=STATUS_PORT,
        folder=PROXY_FOLDER,
        generation=state.generation,
    )
    proxy = f"{order.name}-proxy"
    proc.run(("docker", "exec", "--interactive", proxy, *WRITE_CONFIG), input_text=config)
    if runs:
        _docker("kill", "--signal", "HUP", proxy)
    expected = str(state.generation)
    status = f"{state.proxy_host}:{STATUS_PORT}"
    proc.wait_until(
        lambda: (_fetch(status, "/generation") or "").strip() == expected,
        limit_s=READY_LIMIT_S,
        failure=f"nginx did not take its configuration {expected}. Look: docker logs {proxy}",
    )


def _answers(address: str) -> bool:
    return _fetch(address, HEALTH) is not None


def _fetch(address: str, path: str) -> str | None:
    """Return the body of an answer; None where nobody answers, or answers a failure."""
    connection = HTTPConnection(address, timeout=ASK_LIMIT_S)
    with suppress(OSError, HTTPException):
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
        connection.close()
        return body if answer.status < 400 else None
    connection.close()
    return None


def _labels(order: Order) -> tuple[str, ...]:
    return ("--label", f"{LABEL}={order.name}", "--label", f"{OWNER_LABEL}={order.owner}")


def _docker(*words: str, check: bool = True) -> str:
    return proc.run(("docker", *words), timeout_s=DOCKER_LIMIT_S, check=check).stdout
