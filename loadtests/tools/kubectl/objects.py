"""The objects of Kubernetes that kubectl prints as JSON, and the kernel's counters as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ENDED = frozenset({"Succeeded", "Failed"})
"""Phases of pods that nobody waits for."""

NOT_YET = "PodInitializing"
"""The reason of containers that wait for the init containers before them."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What is scaled: a Deployment or a StatefulSet. ``cpu_limits`` are by container.

    ``rolled_out`` says that the controllers have done what was asked of them last.
    """

    kind: str
    name: str
    replicas: int
    selector: str
    containers: tuple[str, ...]
    cpu_limits: Mapping[str, str | None]
    paused: bool = False
    rolled_out: bool = True


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod; ``ready`` if it serves, which one that is being deleted does not count as.

    One that is ``leaving`` may still answer. ``cpu_limits`` are the CPUs that each of its
    containers may use; None without a limit. ``controller`` is the kind and the name of what made
    it, None for nothing, and ``template_hash`` the label that its Deployment gave it.
    """

    name: str
    uid: str
    node: str
    phase: str
    ready: bool
    restarts: int
    reason: str = ""
    leaving: bool = False
    cpu_limits: Mapping[str, float | None] = field(default_factory=dict)
    controller: tuple[str, str] | None = None
    template_hash: str = ""

    def is_of(self, workload: Workload) -> bool:
        """Return whether it is a replica of a workload, whose labels others may have as well.

        A Deployment names its ReplicaSets by its own name and the hash of their template. A pod
        that nothing controls may be adopted, so it counts.
        """
        if self.controller is None:
            return True
        if workload.kind == "Deployment":
            return self.controller == ("ReplicaSet", f"{workload.name}-{self.template_hash}")
        return self.controller == (workload.kind, workload.name)


@dataclass(frozen=True, kw_only=True)
class Autoscaler:
    """A HorizontalPodAutoscaler; ``scaled_object`` is that of KEDA which made it, if any."""

    name: str
    scaled_object: str | None = None


@dataclass(frozen=True, kw_only=True)
class CpuCounters:
    """A container's CPU-seconds so far, and for how many seconds it was throttled, if known."""

    cpu_s: float
    throttled_s: float | None


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
        cpu_limits={container["name"]: _cpu_limit(container) for container in containers},
        paused=bool(spec.get("paused")),
        rolled_out=_is_rolled_out(found),
    )


def _is_rolled_out(found: Mapping[str, Any]) -> bool:
    """Return whether the status is that of the newest order, with all replicas there and ready.

    The same is asked by ``kubectl rollout status``, which would have to watch for it.
    """
    status, wanted = found.get("status") or {}, int(found["spec"].get("replicas", 1))
    if int(status.get("observedGeneration", 0)) < int(found["metadata"].get("generation", 0)):
        return False
    counted = ["replicas", "readyReplicas"]
    if found["kind"] == "Deployment":
        counted += ["updatedReplicas", "availableReplicas"]
    return all(int(status.get(name) or 0) == wanted for name in counted)


def _cpu_limit(container: Mapping[str, Any]) -> str | None:
    limit = ((container.get("resources") or {}).get("limits") or {}).get("cpu")
    return None if limit is None else str(limit)


def _pod_limits(spec: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the CPU limits of the containers that run beside one another in a pod.

    An init container that is always restarted is one of them: a sidecar.
    """
    sidecars = [
        container
        for container in spec.get("initContainers") or ()
        if container.get("restartPolicy") == "Always"
    ]
    return {
        container["name"]: cpus(_cpu_limit(container))
        for container in (*(spec.get("containers") or ()), *sidecars)
    }


def cpus(quantity: str | None) -> float | None:
    """Return the CPUs of a quantity such as ``500m`` or ``2``; None for none, or another form."""
    if quantity is None:
        return None
    try:
        value = float(quantity.removesuffix("m")) / (1000 if quantity.endswith("m") else 1)
    except ValueError:
        return None
    return value if value > 0 else None


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
    unscheduled = next(
        (
            one.get("message") or one.get("reason", "")
            for one in status.get("conditions") or ()
            if one["type"] == "PodScheduled" and one["status"] != "True"
        ),
        "",
    )
    leaving = bool(metadata.get("deletionTimestamp"))
    deleted = "is being deleted" if leaving else ""
    ready = status.get("phase") == "Running" and conditions.get("Ready") == "True"
    return Pod(
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        node=(item.get("spec") or {}).get("nodeName", ""),
        phase=status.get("phase", "Unknown"),
        ready=ready and not deleted,
        restarts=sum(int(one.get("restartCount", 0)) for one in containers),
        reason=deleted or status.get("reason") or _why_not_running(status) or unscheduled,
        leaving=leaving,
        cpu_limits=_pod_limits(item.get("spec") or {}),
        controller=_controller(metadata),
        template_hash=(metadata.get("labels") or {}).get("pod-template-hash", ""),
    )


def _why_not_running(status: Mapping[str, Any]) -> str:
    """Return why a container of a pod does not run; empty where nothing is said, or all is done.

    The others wait until the init containers have done their work.
    """
    if status.get("phase") in ENDED:
        return ""
    for one in status.get("initContainerStatuses") or ():
        why = _why_stopped(one)
        if why and why != NOT_YET:
            return f"{why} of its init container {one['name']}"
    return next(filter(None, map(_why_stopped, status.get("containerStatuses") or ())), "")


def _why_stopped(container: Mapping[str, Any]) -> str:
    """Return why a container waits, or has failed; empty for one that runs or has done its work."""
    state = container.get("state") or {}
    ended = state.get("terminated") or {}
    if int(ended.get("exitCode", 0)):
        return str(ended.get("reason") or "Error")
    return str((state.get("waiting") or {}).get("reason", ""))


def _controller(metadata: Mapping[str, Any]) -> tuple[str, str] | None:
    owners = metadata.get("ownerReferences") or ()
    return next(((one["kind"], one["name"]) for one in owners if one.get("controller")), None)


def autoscalers_of(found: Mapping[str, Any], kind: str, name: str) -> tuple[Autoscaler, ...]:
    """Return the autoscalers in a list that own a workload."""
    return tuple(
        Autoscaler(name=item["metadata"]["name"], scaled_object=_scaled_object(item["metadata"]))
        for item in found.get("items") or ()
        if (target := (item.get("spec") or {}).get("scaleTargetRef") or {}).get("kind") == kind
        and target.get("name") == name
    )


def _scaled_object(metadata: Mapping[str, Any]) -> str | None:
    owners = metadata.get("ownerReferences") or ()
    return next((owner["name"] for owner in owners if owner.get("kind") == "ScaledObject"), None)


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
