"""The manifest of a Job that runs the load generator inside a Kubernetes cluster. PURE.

Source: the API reference of Kubernetes, Job v1 batch and PodSpec v1 core.
"""

from __future__ import annotations

import shlex
from typing import Any

import yaml

NAME = "twofold-generator"

PORT = 8089

SECRET_KEY = "secret"  # noqa: S105  the name of a key

VARIABLE = "TWOFOLD_GENERATOR_SECRET"

USER = 10_001
"""The user of the generator's image."""

LIFE_S = 4 * 3600
"""How long the Job may run, so that a forgotten one ends."""

KEPT_S = 600
"""How long a Job that has ended is kept for its log."""

MEMORY = "1Gi"
TMP = "256Mi"


def render(
    *, image: str, namespace: str | None, context: str | None = None, processes: int = 1
) -> str:
    """Return the manifest as YAML, with what to do with it as comments.

    The generator gets a whole core for each process, as its request and its limit.
    """
    flag = "" if context is None else f" --context {shlex.quote(context)}"
    flag += "" if namespace is None else f" --namespace {namespace}"
    lines = (
        f"The load generator as a Job in the cluster. The secret first, the same as in {VARIABLE}",
        "here; it is not in this file:",
        f'  printf %s "${VARIABLE}" | kubectl{flag} create secret generic {NAME}'
        f" --from-file={SECRET_KEY}=/dev/stdin",
        f"  kubectl{flag} apply -f twofold-job.yaml",
        f"  kubectl{flag} port-forward job/{NAME} {PORT}:{PORT}",
        f"  twofold run --generator-workers 127.0.0.1:{PORT}",
        f"  kubectl{flag} delete -f twofold-job.yaml",
    )
    document = job(image=image, namespace=namespace, processes=processes)
    told = "".join(f"# {line}\n" for line in lines)
    return told + str(yaml.safe_dump(document, sort_keys=False))


def job(*, image: str, namespace: str | None, processes: int = 1) -> dict[str, Any]:
    """Return the manifest: no privileges, no rights in the cluster, and it is never restarted."""
    labels = {"app.kubernetes.io/name": NAME}
    metadata: dict[str, Any] = {"name": NAME, "labels": labels}
    if namespace is not None:
        metadata["namespace"] = namespace
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": LIFE_S,
            "ttlSecondsAfterFinished": KEPT_S,
            "template": {"metadata": {"labels": labels}, "spec": _pod(image, processes)},
        },
    }


def _pod(image: str, processes: int) -> dict[str, Any]:
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 5,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(image, processes)],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": TMP}}],
    }


def _container(image: str, processes: int) -> dict[str, Any]:
    size = {"cpu": str(processes), "memory": MEMORY}
    reference = {"name": NAME, "key": SECRET_KEY}
    return {
        "name": "generator",
        "image": image,
        "command": ["python", "-m", "loadtests.generator.team.listen", f"0.0.0.0:{PORT}"],
        "env": [{"name": VARIABLE, "valueFrom": {"secretKeyRef": reference}}],
        "ports": [{"name": "generator", "containerPort": PORT}],
        "resources": {"requests": size, "limits": dict(size)},
        "securityContext": {
            "privileged": False,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108  the container's
    }
