"""kubectl: its command lines, and what it prints. Only ``scale`` changes anything."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import proc

PROGRAM = "kubectl"
LIMIT_S = 30.0
REQUEST_LIMIT = "--request-timeout=20s"

KINDS = {
    "deployment": "Deployment",
    "deploy": "Deployment",
    "deployments": "Deployment",
    "statefulset": "StatefulSet",
    "sts": "StatefulSet",
    "statefulsets": "StatefulSet",
}
"""The kinds that can be scaled here, by the words that kubectl takes for them."""

CPU_FILES = (
    "/sys/fs/cgroup/cpu.stat",
    "/sys/fs/cgroup/cpu/cpu.stat",
    "/sys/fs/cgroup/cpuacct/cpuacct.usage",
)
"""The kernel's counters of a container: of control groups v2, and of v1 in two files."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """Which cluster and namespace; None is what kubectl's own configuration says."""

    namespace: str | None = None
    context: str | None = None


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What is scaled: a Deployment or a StatefulSet. ``cpu_limits`` are by container."""

    kind: str
    name: str
    replicas: int
    selector: str
    containers: tuple[str, ...]
    cpu_limits: Mapping[str, str | None]
    paused: bool = False


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod; ``ready`` if it serves, which one that is being deleted does not count as."""

    name: str
    uid: str
    node: str
    phase: str
    ready: bool
    restarts: int
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class CpuCounters:
    """A container's CPU-seconds so far, and for how many seconds it was throttled, if known."""

    cpu_s: float
    throttled_s: float | None


# -- command lines ------------------------------------------------------------------------------


def argv(access: Access, *words: str) -> tuple[str, ...]:
    """Return a command for a cluster and a namespace."""
    context = ("--context", access.context) if access.context else ()
    namespace = ("--namespace", access.namespace) if access.namespace else ()
    return (PROGRAM, REQUEST_LIMIT, *context, *namespace, *words)


def get_argv(access: Access, *words: str) -> tuple[str, ...]:
    """Return a command that prints objects as JSON."""
    return argv(access, "get", *words, "--output", "json")


def scale_argv(access: Access, kind: str, name: str, replicas: int | str) -> tuple[str, ...]:
    """Return the command that sets a number of replicas."""
    return argv(access, "scale", f"{kind.lower()}/{name}", f"--replicas={replicas}")


def rollout_argv(access: Access, kind: str, name: str) -> tuple[str, ...]:
    """Return the command that ends with code 0 when all replicas are ready."""
    return argv(access, "rollout", "status", f"{kind.lower()}/{name}", "--timeout=5s")


def exec_argv(access: Access, pod: str, container: str) -> tuple[str, ...]:
    """Return the command that prints the kernel's CPU counters of a container."""
    return argv(access, "exec", pod, "--container", container, "--", "cat", *CPU_FILES)


# -- what it prints -----------------------------------------------------------------------------


def run(words: Sequence[str]) -> str:
    """Return what kubectl prints; raise :class:`EnvironmentFailure` with its own line."""
    try:
        done = proc.run(words, timeout_s=LIMIT_S, check=False)
    except ProcessFailure as error:
        raise EnvironmentFailure(
            f"kubectl did not end ({error}). Install it (Debian: kubernetes-client), or look"
            " whether the cluster answers: kubectl version."
        ) from error
    if done.code != 0:
        raise EnvironmentFailure(explained(done.stderr or done.stdout))
    return done.stdout


def document(words: Sequence[str]) -> Mapping[str, Any]:
    """Return the object that kubectl prints as JSON."""
    text = run(words)
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise EnvironmentFailure(f"kubectl printed {text[:200]!r} instead of an object.")
    return parsed


def explained(stderr: str) -> str:
    """Return kubectl's own line on a failure, with what to do about the common ones."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    line = next((text for text in lines if "error" in text.lower()), lines[-1] if lines else "")
    line = line.removeprefix("error: ").removeprefix("Error from server ") or "it said nothing"
    low = line.lower()
    way_out = "Look whether it works by hand: kubectl get pods."
    if "forbidden" in low:
        way_out = "Ask whoever runs the cluster for this permission."
    elif "context" in low and ("does not exist" in low or "not found" in low):
        way_out = "Name another: kubectl config get-contexts."
    elif "notfound" in low or "not found" in low:
        way_out = "Look for its name and namespace: kubectl get deployments --all-namespaces."
    elif "unauthorized" in low or "logged in" in low or "credentials" in low:
        way_out = "Log in to the cluster first."
    elif "refused" in low or "no such host" in low or "timeout" in low or "timed out" in low:
        way_out = (
            "Is the cluster up, and the context the right one? kubectl config current-context."
        )
    return f"kubectl failed: {line.rstrip('.')}. {way_out}"


def parse_workload(found: Mapping[str, Any]) -> Workload:
    """Convert a Deployment or a StatefulSet."""
    spec = found["spec"]
    containers = spec["template"]["spec"]["containers"]
    return Workload(
        kind=found["kind"],
        name=found["metadata"]["name"],
        replicas=int(spec.get("replicas", 1)),
        selector=selector_of(spec["selector"]),
        containers=tuple(container["name"] for container in containers),
        cpu_limits={
            container["name"]: ((container.get("resources") or {}).get("limits") or {}).get("cpu")
            for container in containers
        },
        paused=bool(spec.get("paused")),
    )


def selector_of(selector: Mapping[str, Any]) -> str:
    """Return a label selector as kubectl's option takes it."""
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for rule in selector.get("matchExpressions") or ():
        key, values = rule["key"], ",".join(rule.get("values") or ())
        match rule["operator"]:
            case "In":
                parts.append(f"{key} in ({values})")
            case "NotIn":
                parts.append(f"{key} notin ({values})")
            case "Exists":
                parts.append(key)
            case _:
                parts.append(f"!{key}")
    return ",".join(parts)


def parse_pods(found: Mapping[str, Any]) -> tuple[Pod, ...]:
    """Convert a list of pods, sorted by their names."""
    return tuple(sorted(map(_pod, found.get("items") or ()), key=lambda pod: pod.name))


def _pod(item: Mapping[str, Any]) -> Pod:
    metadata, status = item["metadata"], item.get("status") or {}
    conditions = {one["type"]: one["status"] for one in status.get("conditions") or ()}
    containers = status.get("containerStatuses") or ()
    waiting = [(one.get("state") or {}).get("waiting", {}).get("reason", "") for one in containers]
    unscheduled = next(
        (
            one.get("message") or one.get("reason", "")
            for one in status.get("conditions") or ()
            if one["type"] == "PodScheduled" and one["status"] != "True"
        ),
        "",
    )
    deleted = "is being deleted" if metadata.get("deletionTimestamp") else ""
    ready = status.get("phase") == "Running" and conditions.get("Ready") == "True"
    return Pod(
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        node=(item.get("spec") or {}).get("nodeName", ""),
        phase=status.get("phase", "Unknown"),
        ready=ready and not deleted,
        restarts=sum(int(one.get("restartCount", 0)) for one in containers),
        reason=deleted or status.get("reason") or next(filter(None, waiting), "") or unscheduled,
    )


def autoscalers_of(found: Mapping[str, Any], kind: str, name: str) -> tuple[str, ...]:
    """Return the names of the autoscalers in a list that own a workload."""
    return tuple(
        item["metadata"]["name"]
        for item in found.get("items") or ()
        if (target := (item.get("spec") or {}).get("scaleTargetRef") or {}).get("kind") == kind
        and target.get("name") == name
    )


def parse_counters(text: str) -> CpuCounters | None:
    """Parse the kernel's counters as ``cat`` printed them; None where there are none."""
    words = [line.split() for line in text.splitlines()]
    values = {line[0]: int(line[1]) for line in words if len(line) == 2 and line[1].isdigit()}
    alone = [int(line[0]) for line in words if len(line) == 1 and line[0].isdigit()]
    if "usage_usec" in values:
        throttled = values.get("throttled_usec")
        return CpuCounters(
            cpu_s=values["usage_usec"] / 1e6,
            throttled_s=None if throttled is None else throttled / 1e6,
        )
    if alone:
        throttled = values.get("throttled_time")
        return CpuCounters(
            cpu_s=alone[0] / 1e9, throttled_s=None if throttled is None else throttled / 1e9
        )
    return None
