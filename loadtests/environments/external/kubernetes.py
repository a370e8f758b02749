"""Hooks for a Deployment or a StatefulSet on Kubernetes, which run kubectl.

``twofold-kubernetes scale|ready|replicas|count|counters KIND/NAME --context C --namespace N``,
where ``scale`` takes the number as well. ``twofold init --kubernetes deployment/web`` writes them
down.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence

from loadtests.environments.child_python import leave_python_path
from loadtests.environments.external import pod_counters
from loadtests.model.errors import EXIT_NO, EXIT_YES, TwofoldError, UsageError
from loadtests.model.tested.external import KUBERNETES
from loadtests.tools import kubectl, proc
from loadtests.tools.kubectl import Access, Autoscaler, Pod, Workload

COMMAND = KUBERNETES
"""The program's name in a configuration; it needs no entry on PATH."""

MODULE = "loadtests.environments.external.kubernetes"

PAUSE = "autoscaling.keda.sh/paused"
"""The annotation of a ScaledObject with which KEDA leaves the number of replicas alone."""


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
        raise UsageError(
            f"The autoscaler {owners[0].name} owns the number of replicas of"
            f" {found.kind.lower()}/{found.name}, so it would change it during the measurement."
            f" {way_out(access, owners[0])}"
        )


def way_out(access: Access, owner: Autoscaler) -> str:
    """Return how to take an autoscaler away for the time being, and how to bring it back.

    KEDA makes its autoscaler again when somebody deletes it, so KEDA itself is told to pause.
    """
    if owner.scaled_object is not None:
        words = ("annotate", "scaledobject", owner.scaled_object)
        pause = kubectl.by_hand(access, *words, f"{PAUSE}=true", "--overwrite")
        later = kubectl.by_hand(access, *words, f"{PAUSE}-")
        return (
            f"KEDA made it for the ScaledObject {owner.scaled_object}. Pause that: {pause}."
            f" Later: {later}."
        )
    saved = kubectl.by_hand(access, "get", "hpa", owner.name, "-o", "yaml")
    delete = kubectl.by_hand(access, "delete", "hpa", owner.name)
    later = kubectl.by_hand(access, "apply", "-f", "hpa.yaml")
    return f"Save it and take it away: {saved} > hpa.yaml && {delete}. Later: {later}."


def scale(access: Access, text: str, replicas: int) -> None:
    """Set the number of replicas, unless an autoscaler would change it."""
    found = workload(access, text)
    refuse_autoscaler(access, found)
    if found.paused:
        resume = kubectl.by_hand(access, "rollout", "resume", f"{found.kind.lower()}/{found.name}")
        raise UsageError(f"The rollout of {text} is paused. Resume it: {resume}.")
    kubectl.run(kubectl.scale_argv(access, found.kind, found.name, replicas))


def scale_back(access: Access, text: str, replicas: int, ours: Sequence[int]) -> None:
    """Set the number that there was before, if the present one is among ``ours``.

    Another number is somebody else's, and is left as it is. An autoscaler that came meanwhile does
    not hinder it.
    """
    found = workload(access, text)
    if found.replicas == replicas:
        return
    if ours and found.replicas not in ours:
        print(
            f"{text} has {found.replicas} replicas, which somebody else set, so it is left as it"
            f" is. It had {replicas}.",
            file=sys.stderr,
        )
        return
    kubectl.run(kubectl.scale_argv(access, found.kind, found.name, replicas))


def pods(access: Access, found: Workload) -> tuple[Pod, ...]:
    """Return the pods of a workload, also those that are not ready.

    Pods of others may have the same labels, such as those of a canary or of a job.
    """
    listed = kubectl.get_argv(access, "pods", "--selector", found.selector)
    there = kubectl.parse_pods(kubectl.document(listed))
    return tuple(pod for pod in there if pod.is_of(found))


def may_read_counters(access: Access) -> bool:
    """Return whether the cluster allows programs to be run in pods, which reads counters."""
    words = kubectl.argv(access, "auth", "can-i", "create", "pods", "--subresource=exec")
    return proc.run(words, timeout_s=kubectl.LIMIT_S, check=False).code == 0


def not_ready(access: Access, text: str) -> str | None:
    """Return why a workload is not ready, in a sentence; None if it is.

    A pod that is being deleted may still answer what it gets over connections that are open, and
    uses CPU. So nothing is ready before it has gone.
    """
    found = workload(access, text)
    there = pods(access, found)
    leaving = [pod.name for pod in there if pod.leaving]
    if leaving:
        return f"{leaving[0]} is being deleted, and is still there."
    if not found.rolled_out:
        # One that has ended may be of long ago, so the others tell more.
        reasons = map(_why_unready, sorted(there, key=lambda pod: pod.phase in kubectl.ENDED))
        first = next((f" {reason}." for reason in reasons if reason), "")
        return f"{text} does not have its {found.replicas} replicas ready yet.{first}"
    return None


def _why_unready(pod: Pod) -> str | None:
    """Return why a pod does not serve, in a line; None for one that serves or has done its work."""
    if pod.ready or (pod.phase in kubectl.ENDED and not pod.reason):
        return None
    return " ".join(f"{pod.name} is {pod.phase}: {pod.reason or 'not ready'}".split()).rstrip(".")


def replica_lines(access: Access, text: str) -> list[str]:
    """Return a line for each pod that serves: its name, a tab, and what a restart changes.

    A pod that is there and not ready is told on standard error, for who looks into it.
    """
    lines = []
    for pod in pods(access, workload(access, text)):
        if pod.ready:
            lines.append(f"{pod.name}\t{pod.uid} on {pod.node}, {pod.restarts} restarts")
        elif why := _why_unready(pod):
            print(why, file=sys.stderr)
    return lines


def counter_lines(access: Access, text: str) -> list[str]:
    """Return a line for each pod that serves, with its CPU counters; see ``pod_counters``.

    A pod whose CPU cannot be read is told on standard error.
    """
    serving = [pod for pod in pods(access, workload(access, text)) if pod.ready]
    return pod_counters.lines(access, serving, lambda text: print(text, file=sys.stderr))


def count_lines(access: Access, text: str) -> list[str]:
    """Return the number of replicas that was asked for, as the only line."""
    return [str(workload(access, text).replicas)]


READS: Mapping[str, Callable[[Access, str], list[str]]] = {
    "replicas": replica_lines,
    "counters": counter_lines,
    "count": count_lines,
}


def main(words: Sequence[str] | None = None) -> int:
    """Run one hook, and return the exit code."""
    given = _parser().parse_args(words)
    access = Access(namespace=given.namespace, context=given.context)
    try:
        if given.hook == "ready":
            why = not_ready(access, given.workload)
            if why is not None:
                print(why, file=sys.stderr)
                return EXIT_NO
        elif given.hook == "scale":
            _scale(access, given)
        else:
            print("\n".join(READS[given.hook](access, given.workload)))
    except TwofoldError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return error.exit_code
    return EXIT_YES


def _scale(access: Access, given: argparse.Namespace) -> None:
    if given.replicas is None or given.replicas < 0:
        raise UsageError("scale needs --replicas N.")
    if given.back:
        scale_back(access, given.workload, given.replicas, given.ours)
    else:
        scale(access, given.workload, given.replicas)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Hooks for Kubernetes.")
    parser.add_argument("hook", choices=("scale", "ready", *READS))
    parser.add_argument("workload", metavar="KIND/NAME")
    parser.add_argument("--replicas", type=int)
    parser.add_argument("--namespace")
    parser.add_argument("--context")
    parser.add_argument("--back", action="store_true", help="put an earlier number back")
    parser.add_argument("--ours", type=_numbers, default=(), help="with --back: only from these")
    return parser


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(",") if part)


if __name__ == "__main__":
    leave_python_path()  # what kubectl logs in with may be a program in Python
    sys.exit(main())
