"""kubectl: its command lines, and what it prints. Only ``scale`` changes anything."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from loadtests.model.errors import EnvironmentFailure, ProcessFailure, UsageError
from loadtests.tools import proc
from loadtests.tools.kubectl.objects import (
    ENDED,
    Autoscaler,
    CpuCounters,
    Pod,
    Workload,
    autoscalers_of,
    cpus,
    parse_counters,
    parse_pods,
    parse_workload,
    selector_of,
)

__all__ = [
    "ENDED",
    "IN_A_POD",
    "KINDS",
    "LIMIT_S",
    "Access",
    "Autoscaler",
    "CpuCounters",
    "Pod",
    "Workload",
    "access_in",
    "argv",
    "autoscalers_of",
    "by_hand",
    "cpus",
    "document",
    "exec_argv",
    "explained",
    "get_argv",
    "options",
    "parse_counters",
    "parse_pods",
    "parse_workload",
    "resolved",
    "run",
    "scale_argv",
    "selector_of",
]

PROGRAM = "kubectl"
LIMIT_S = 30.0
REQUEST_LIMIT = "--request-timeout=20s"

NO_END = (
    "kubectl did not end ({error}). Install it (Debian: kubernetes-client), or look whether the"
    " cluster answers: kubectl version."
)

POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
"""Where a pod reads which namespace it is in."""

OWN_LINES = (
    *("error: ", "error from server", "error in configuration"),
    *("unable to connect to the server", "the connection to the server"),
)
"""How kubectl begins what it says of a failure, in lower case. Its log comes before, and so does
what a program says that it logs in with."""

_NO_PLUGIN = re.compile(r"exec: executable ([^:\n]+?) not found")
"""What kubectl says where a plug-in for credentials is missing, such as those of clouds."""

IN_A_POD = "KUBERNETES_SERVICE_HOST"
"""The variable that every pod has: there, kubectl needs no configuration."""

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


CURRENT = Access()


# -- command lines ------------------------------------------------------------------------------


def options(access: Access) -> tuple[str, ...]:
    """Return the options that name the cluster and the namespace."""
    context = ("--context", access.context) if access.context else ()
    namespace = ("--namespace", access.namespace) if access.namespace else ()
    return (*context, *namespace)


def argv(access: Access, *words: str) -> tuple[str, ...]:
    """Return a command for a cluster and a namespace."""
    return (PROGRAM, REQUEST_LIMIT, *options(access), *words)


def by_hand(access: Access, *words: str) -> str:
    """Return a command for people to type, which names the cluster and the namespace."""
    return shlex.join((PROGRAM, *options(access), *words))


def get_argv(access: Access, *words: str) -> tuple[str, ...]:
    """Return a command that prints objects as JSON."""
    return argv(access, "get", *words, "--output", "json")


def scale_argv(access: Access, kind: str, name: str, replicas: int | str) -> tuple[str, ...]:
    """Return the command that sets a number of replicas."""
    return argv(access, "scale", f"{kind.lower()}/{name}", f"--replicas={replicas}")


def exec_argv(access: Access, pod: str, container: str) -> tuple[str, ...]:
    """Return the command that prints the kernel's CPU counters of a container."""
    return argv(access, "exec", pod, "--container", container, "--", "cat", *CPU_FILES)


# -- what it prints -----------------------------------------------------------------------------


def run(words: Sequence[str]) -> str:
    """Return what kubectl prints; raise :class:`EnvironmentFailure` with its own line."""
    try:
        done = proc.run(words, timeout_s=LIMIT_S, check=False)
    except ProcessFailure as error:
        raise EnvironmentFailure(NO_END.format(error=error)) from error
    if done.code != 0:
        raise EnvironmentFailure(explained(done.stderr or done.stdout, access_in(words)))
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


def access_in(words: Sequence[str]) -> Access:
    """Return the cluster and the namespace that a command names."""
    named = {
        word: following
        for word, following in pairwise(words)
        if word in {"--context", "--namespace"}
    }
    return Access(context=named.get("--context"), namespace=named.get("--namespace"))


def resolved(access: Access) -> Access:
    """Return the cluster and the namespace by their names, as kubectl has them now.

    A pod has no context: its own cluster is the only one that it knows. Raises
    :class:`EnvironmentFailure` where kubectl has none, and :class:`UsageError` for a pod whose
    namespace nobody names.
    """
    context = access.context or _current_context()
    if context is None:
        namespace = access.namespace or _of_the_pod()
        if namespace is None:
            raise UsageError(
                "kubectl runs in a pod here, so its namespace has to be named: --namespace NAME."
            )
        return Access(context=None, namespace=namespace)
    if access.namespace is not None:
        return Access(context=context, namespace=access.namespace)
    view = document(argv(Access(context=context), "config", "view", "--minify", "--output", "json"))
    entries = view.get("contexts") or ()
    own: Mapping[str, Any] = next(
        (entry["context"] for entry in entries if entry.get("name") == context), {}
    )
    return Access(context=context, namespace=own.get("namespace") or "default")


def _of_the_pod() -> str | None:
    """Return the namespace of the pod that this runs in, as kubectl takes it."""
    with suppress(OSError):
        return POD_NAMESPACE.read_text(encoding="utf-8").strip() or None
    return None


def _current_context() -> str | None:
    try:
        done = proc.run((PROGRAM, "config", "current-context"), timeout_s=LIMIT_S, check=False)
    except ProcessFailure as error:
        raise EnvironmentFailure(NO_END.format(error=error)) from error
    if done.code == 0 and done.stdout.strip():
        return done.stdout.strip()
    if os.environ.get(IN_A_POD):
        return None
    raise EnvironmentFailure(
        "kubectl has no current context, so it is not known which cluster is meant. Name one:"
        " --context NAME. Those that there are: kubectl config get-contexts."
    )


def explained(stderr: str, access: Access = CURRENT) -> str:
    """Return kubectl's own line on a failure, with what to do about the common ones."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if missing := _NO_PLUGIN.search(stderr):
        return (
            f"kubectl failed: it logs in to this cluster by the program {missing[1]!r}, which is"
            " not there. Install it, or put it on PATH."
        )
    line = next(
        (text for text in reversed(lines) if text.lower().startswith(OWN_LINES)),
        next((text for text in lines if "error" in text.lower()), lines[-1] if lines else ""),
    )
    line = line.removeprefix("error: ").removeprefix("Error from server ") or "it said nothing"
    low = line.lower()
    way_out = f"Look whether it works by hand: {by_hand(access, 'get', 'pods')}."
    if "forbidden" in low:
        way_out = "Ask whoever runs the cluster for this permission."
    elif "context" in low and ("does not exist" in low or "not found" in low):
        way_out = "Name another: kubectl config get-contexts."
    elif "notfound" in low or "not found" in low:
        anywhere = by_hand(Access(context=access.context), "get", "deployments", "--all-namespaces")
        way_out = f"Look for its name and namespace: {anywhere}."
    elif "unauthorized" in low or "logged in" in low or "credentials" in low:
        way_out = "Log in to the cluster first."
    elif "refused" in low or "no such host" in low or "timeout" in low or "timed out" in low:
        way_out = (
            "Is the cluster up, and the context the right one? kubectl config current-context."
        )
    return f"kubectl failed: {line.rstrip('.?')}. {way_out}"
