"""The lines of OWASP's Docker Security Cheat Sheet and CIS Docker Benchmark 1.6 that are asked for.

The page docs/reference/hardening.md has them as a table. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Facts = Mapping[str, Any]
"""What the engine says of a container or an image, as ``docker inspect`` writes it."""

SENSITIVE = ("/", "/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr", "/var/run", "/run")
"""Folders of this machine that no container may have (CIS 5.6)."""

NOFILE = 16384

BRIEF: Mapping[str, str] = MappingProxyType(
    {
        "import": "it imports an application as its image is, before anything is measured.",
        "helper": "it reads what listens in a container, before anything is measured, and ends.",
    }
)
"""Containers that belong to no stack, and why less holds for them."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One recommendation: where it is from, what it asks, and what holds it.

    ``exceptions`` are roles with the reason why it does not hold for them.
    """

    source: str
    asks: str
    holds: Callable[[Facts], bool]
    exceptions: Mapping[str, str] = field(default_factory=dict)


def _host(facts: Facts) -> dict[str, Any]:
    config: dict[str, Any] = facts["HostConfig"]
    return config


def _is_not_root(facts: Facts) -> bool:
    user = str(facts["Config"].get("User") or "").partition(":")[0]
    return user not in {"", "0", "root"}


def _has_no_socket(facts: Facts) -> bool:
    return not any("docker.sock" in str(mount.get("Source")) for mount in facts["Mounts"])


def _mounts_nothing_sensitive(facts: Facts) -> bool:
    sources = [mount["Source"] for mount in facts["Mounts"] if mount["Type"] == "bind"]
    return not any(source.rstrip("/") in {"", *SENSITIVE} for source in sources)


def _security(facts: Facts) -> list[str]:
    return [str(option).replace("=", ":") for option in _host(facts).get("SecurityOpt") or ()]


def _publishes_nothing(facts: Facts) -> bool:
    host = _host(facts)
    return not host.get("PortBindings") and not host.get("PublishAllPorts")


def _shares(facts: Facts, *names: str) -> bool:
    """Return whether a container shares one of these of the machine's."""
    return any(str(_host(facts).get(name) or "").startswith("host") for name in names)


def _limits_files(facts: Facts) -> bool:
    limits = {limit["Name"]: limit["Hard"] for limit in _host(facts).get("Ulimits") or ()}
    return bool(limits.get("nofile") == NOFILE)


CONTAINERS: tuple[Line, ...] = (
    Line(
        source="OWASP 1, CIS 5.32",
        asks="The engine's socket is in no container.",
        holds=_has_no_socket,
    ),
    Line(source="OWASP 2, CIS 4.1", asks="The user is not root.", holds=_is_not_root),
    Line(
        source="OWASP 3, CIS 5.4",
        asks="All capabilities are dropped, and none is added.",
        holds=lambda facts: (
            [str(name).upper() for name in _host(facts).get("CapDrop") or ()] == ["ALL"]
            and not _host(facts).get("CapAdd")
        ),
        exceptions=BRIEF,
    ),
    Line(
        source="OWASP 4, CIS 5.26",
        asks="No new privileges can be gained.",
        holds=lambda facts: any(
            option in {"no-new-privileges", "no-new-privileges:true"} for option in _security(facts)
        ),
    ),
    Line(
        source="OWASP 3, CIS 5.5",
        asks="No container is privileged.",
        holds=lambda facts: not _host(facts).get("Privileged"),
    ),
    Line(
        source="OWASP 5, CIS 5.30",
        asks="Containers are in networks of the run alone, none in the engine's own bridge.",
        holds=lambda facts: (
            _host(facts)["NetworkMode"] not in {"default", "bridge"}
            and "bridge" not in facts["NetworkSettings"]["Networks"]
        ),
    ),
    Line(
        source="OWASP 6, CIS 5.2, 5.3, 5.22",
        asks="Neither seccomp nor AppArmor nor SELinux is switched off.",
        holds=lambda facts: (
            not any(option.endswith(("unconfined", ":disable")) for option in _security(facts))
        ),
    ),
    Line(
        source="OWASP 7, CIS 5.11",
        asks="Memory is limited.",
        holds=lambda facts: int(_host(facts).get("Memory") or 0) > 0,
    ),
    Line(
        source="OWASP 7, CIS 5.12",
        asks="CPU is limited, by a quota or by cores.",
        holds=lambda facts: bool(
            _host(facts).get("NanoCpus")
            or _host(facts).get("CpuQuota")
            or _host(facts).get("CpusetCpus")
        ),
        exceptions={
            "metronome": "it measures how fast the cores are, with a tenth of each.",
            **BRIEF,
        },
    ),
    Line(
        source="OWASP 7, CIS 5.29",
        asks="The number of processes is limited.",
        holds=lambda facts: int(_host(facts).get("PidsLimit") or 0) > 0,
    ),
    Line(
        source="OWASP 7, CIS 5.19",
        asks="Open files are limited.",
        holds=_limits_files,
        exceptions=BRIEF,
    ),
    Line(
        source="OWASP 7, CIS 5.15",
        asks="Nothing restarts by itself: a trial has to see what has ended.",
        holds=lambda facts: _host(facts)["RestartPolicy"]["Name"] in {"", "no"},
    ),
    Line(
        source="OWASP 8, CIS 5.13",
        asks="The root file system is read-only.",
        holds=lambda facts: bool(_host(facts).get("ReadonlyRootfs")),
        exceptions=BRIEF,
    ),
    Line(
        source="CIS 5.6",
        asks="No folder of the machine's system is mounted.",
        holds=_mounts_nothing_sensitive,
    ),
    Line(
        source="CIS 5.8, 5.9, 5.14",
        asks="No port is published on the machine.",
        holds=_publishes_nothing,
    ),
    Line(
        source="CIS 5.10",
        asks="The machine's network is not shared.",
        holds=lambda facts: not _shares(facts, "NetworkMode"),
    ),
    Line(
        source="CIS 5.16, 5.17, 5.21, 5.31",
        asks="Neither processes, nor shared memory, nor host name, nor users are the machine's.",
        holds=lambda facts: not _shares(facts, "PidMode", "IpcMode", "UTSMode", "UsernsMode"),
    ),
    Line(
        source="CIS 5.18",
        asks="No device of the machine is in a container.",
        holds=lambda facts: not _host(facts).get("Devices"),
    ),
    Line(
        source="CIS 5.20",
        asks="No mount is shared with the machine.",
        holds=lambda facts: (
            not any(
                str(mount.get("Propagation") or "") in {"shared", "rshared"}
                for mount in facts["Mounts"]
            )
        ),
    ),
    Line(
        source="CIS 5.25",
        asks="Control groups are the engine's own.",
        holds=lambda facts: not _host(facts).get("CgroupParent"),
    ),
    Line(
        source="our own",
        asks="Logs are limited in size.",
        holds=lambda facts: "max-size" in (_host(facts)["LogConfig"].get("Config") or {}),
        exceptions=BRIEF,
    ),
    Line(
        source="OWASP 13, CIS 5.28",
        asks="Containers run by the digest of their image, which no later build moves.",
        holds=lambda facts: str(facts["Config"]["Image"]).startswith("sha256:"),
        exceptions={"helper": "it is the generator's image, by its tag."},
    ),
)
"""What is held against each container of a run with the sample application."""

ROLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "run": ("app", "proxy", "generator", "metronome", "store"),
        "gate": ("app", "proxy", "generator", "metronome"),
        "helpers": tuple(BRIEF),
    }
)
"""The containers that there are to look at."""

NO_HEALTHCHECK = "it would use CPU of what is measured; the harness itself asks who is ready."

IMAGES: tuple[Line, ...] = (
    Line(source="CIS 4.1", asks="The image's user is not root.", holds=_is_not_root),
    Line(
        source="CIS 4.6",
        asks="The image has a HEALTHCHECK.",
        holds=lambda facts: bool(facts["Config"].get("Healthcheck")),
        exceptions=dict.fromkeys(ROLES["run"], NO_HEALTHCHECK),
    ),
    Line(
        source="CIS 4.10",
        asks="No secret is in the image's variables.",
        holds=lambda facts: (
            not any(
                word in name.upper()
                for name in (entry.partition("=")[0] for entry in facts["Config"].get("Env") or ())
                for word in ("SECRET", "PASSWORD", "TOKEN", "PRIVATE")
            )
        ),
    ),
)
"""What is held against each image that is built."""

NOT_OURS: Mapping[str, str] = {
    "OWASP 0, 10, 11; CIS 5.1": "Kernel, engine and Swarm mode are for the machine's owner.",
    "CIS 5.7": "There is no sshd: a container has one program, with tini as its first process.",
    "CIS 5.23, 5.24": "`docker exec` is used as the image's user, and never with `--privileged`.",
    "CIS 5.27": "The engine checks no health; see HEALTHCHECK above.",
    "OWASP 12": "The store's password is a variable, made for each run and of no use after.",
    "CIS 4.2, 4.3, 4.11, 4.12": "The base image is the official slim one, or is made from Debian's"
    " signed packages. It is taken by its tag, which may move; TWOFOLD_BASE_IMAGE takes a digest,"
    " too. Python's packages are pinned by hash.",
    "OWASP 9, CIS 4.4": "`make lint` reads the pinned packages with pip-audit, where it can reach"
    " its data. Images are built anew when a pin changes.",
    "OWASP 13, CIS 4.5": "Content trust is for a registry's owner. Actions are pinned by hash.",
    "CIS 4.7, 4.9": "No Dockerfile has a lone update or an ADD.",
    "CIS 4.8": "Programs with setuid stay in the base image; no-new-privileges takes their effect.",
}
"""Recommendations that no container shows, with what is done instead."""

OWN_TARGETS = (
    "A target of the user's own keeps its image's user, file system and rights, since it is"
    " measured as it is. Its network, limits of memory, logs, restarts and ports are those above."
)


def role_of(name: str) -> str:
    """Return the role of a service or an image: ``gthread`` and ``base-a`` are the application."""
    known = (*BRIEF, "proxy", "generator", "metronome", "store")
    return next((role for role in known if role in name), "app")


def table() -> str:
    """Return the page's table: each line, where it is from, and what is excepted."""
    rows = ["| asked | from | exceptions |", "| --- | --- | --- |"]
    for line in (*CONTAINERS, *IMAGES):
        excepted = [
            f"{', '.join(role for role in line.exceptions if line.exceptions[role] == reason)}:"
            f" {reason}"
            for reason in dict.fromkeys(line.exceptions.values())
        ]
        rows.append(f"| {line.asks} | {line.source} | {' '.join(excepted)} |")
    rows += ["", "| not seen in a container | what is done |", "| --- | --- |"]
    rows += [f"| {source} | {done} |" for source, done in NOT_OURS.items()]
    return "\n".join(rows) + "\n"
