"""Hooks for a Deployment or a StatefulSet on Kubernetes, which run kubectl.

``twofold-kubernetes scale|replicas|counters KIND/NAME [--namespace N] [--context C]``, where
``scale`` takes the number as well. ``twofold init --kubernetes deployment/web`` writes them down.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from loadtests.model.errors import EnvironmentFailure, TwofoldError, UsageError
from loadtests.tools import kubectl, proc
from loadtests.tools.kubectl import Access, Pod, Workload

COMMAND = "twofold-kubernetes"
"""The program's name in a configuration; it needs no entry on PATH."""

MODULE = "loadtests.environments.external.kubernetes"


def named(text: str) -> tuple[str, str]:
    """Return kind and name of what is scaled; raise :class:`UsageError` for another form."""
    word, _, name = text.partition("/")
    kind = kubectl.KINDS.get(word.partition(".")[0].lower())
    if kind is None or not name:
        raise UsageError(
            f"{text!r} cannot be scaled here. Name a Deployment or a StatefulSet, such as"
            " deployment/web."
        )
    return kind, name


def workload(access: Access, text: str) -> Workload:
    """Return what is scaled, as the cluster has it."""
    kind, name = named(text)
    return kubectl.parse_workload(
        kubectl.document(kubectl.get_argv(access, f"{kind.lower()}/{name}"))
    )


def refuse_autoscaler(access: Access, found: Workload) -> None:
    """Raise :class:`UsageError` while an autoscaler owns the number of replicas."""
    scalers = kubectl.document(kubectl.get_argv(access, "horizontalpodautoscalers"))
    owners = kubectl.autoscalers_of(scalers, found.kind, found.name)
    if owners:
        where = f" --namespace {access.namespace}" if access.namespace else ""
        raise UsageError(
            f"The autoscaler {owners[0]} owns the number of replicas of"
            f" {found.kind.lower()}/{found.name}, so it would change it during the measurement."
            f" Save it and take it away: kubectl{where} get hpa {owners[0]} -o yaml > hpa.yaml &&"
            f" kubectl{where} delete hpa {owners[0]}. Later: kubectl{where} apply -f hpa.yaml."
        )


def scale(access: Access, text: str, replicas: int) -> None:
    """Set the number of replicas, unless an autoscaler would change it."""
    found = workload(access, text)
    refuse_autoscaler(access, found)
    if found.paused:
        raise UsageError(
            f"The rollout of {text} is paused. Resume it: kubectl rollout resume {text}."
        )
    kubectl.run(kubectl.scale_argv(access, found.kind, found.name, replicas))


def pods(access: Access, found: Workload) -> tuple[Pod, ...]:
    """Return the pods of a workload, also those that are not ready."""
    listed = kubectl.get_argv(access, "pods", "--selector", found.selector)
    return kubectl.parse_pods(kubectl.document(listed))


def may_read_counters(access: Access) -> bool:
    """Return whether the cluster allows programs to be run in pods, which reads counters."""
    words = kubectl.argv(access, "auth", "can-i", "create", "pods", "--subresource=exec")
    return proc.run(words, timeout_s=kubectl.LIMIT_S, check=False).code == 0


def replica_lines(access: Access, text: str) -> list[str]:
    """Return a line for each pod that serves: its name, a tab, and what a restart changes.

    A pod that is there and not ready is told on standard error, for who looks into it.
    """
    lines = []
    for pod in pods(access, workload(access, text)):
        if pod.ready:
            lines.append(f"{pod.name}\t{pod.uid} on {pod.node}, {pod.restarts} restarts")
        elif pod.phase not in {"Succeeded", "Failed"} or pod.reason:
            print(f"{pod.name} is {pod.phase}: {pod.reason or 'not ready'}", file=sys.stderr)
    return lines


def counter_lines(access: Access, text: str) -> list[str]:
    """Return a line for each pod that serves: its name, its CPU-seconds and throttled seconds.

    The kernel's own counters are read inside the first container. Those that the kubelet publishes
    are up to 15 s old, which is longer than a window.
    """
    found = workload(access, text)
    lines = []
    for pod in pods(access, found):
        if not pod.ready:
            continue
        words = kubectl.exec_argv(access, pod.name, found.containers[0])
        # cat ends with code 1, since no container has the files of both versions.
        done = proc.run(words, timeout_s=kubectl.LIMIT_S, check=False)
        counters = kubectl.parse_counters(done.stdout)
        if counters is None:
            raise EnvironmentFailure(
                f"The CPU counters of {pod.name} cannot be read inside it."
                f" {kubectl.explained(done.stderr)} Or leave the hook 'counters' out."
            )
        throttled = "" if counters.throttled_s is None else f" {counters.throttled_s:.6f}"
        lines.append(f"{pod.name} {counters.cpu_s:.6f}{throttled}")
    return lines


def main(words: Sequence[str] | None = None) -> int:
    """Run one hook, and return the exit code."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Hooks for Kubernetes.")
    parser.add_argument("hook", choices=("scale", "replicas", "counters"))
    parser.add_argument("workload", metavar="KIND/NAME")
    parser.add_argument("--replicas", type=int)
    parser.add_argument("--namespace")
    parser.add_argument("--context")
    given = parser.parse_args(words)
    access = Access(namespace=given.namespace, context=given.context)
    try:
        if given.hook == "scale":
            if given.replicas is None or given.replicas < 0:
                raise UsageError("scale needs --replicas N.")
            scale(access, given.workload, given.replicas)
        else:
            lines = replica_lines if given.hook == "replicas" else counter_lines
            print("\n".join(lines(access, given.workload)))
    except TwofoldError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
