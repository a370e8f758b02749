"""A stand-in for a cluster's API server, to which the real kubectl speaks over HTTP.

It has one Deployment with its pods, and answers what kubectl asks in the form of the API's own
documentation. What is wrong with it is a field.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.loadtests.environments.external.discovery import discovery_of

NAMESPACE = "shop"


@dataclass(kw_only=True)
class State:
    """What the cluster has, and what is wrong with it."""

    replicas: int = 2
    paused: bool = False
    scalers: list[tuple[str, str, str]] = field(default_factory=list)
    keda: str | None = None
    """The ScaledObject of KEDA that made the autoscalers."""
    observed: bool = True
    """Whether the controllers have seen the newest order."""
    forbidden: str = ""
    allowed: bool = True
    status: int = 200
    pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Changes to the pods by their names; see ``pod_of``."""
    scaled: list[int] = field(default_factory=list)
    unready_after_scale: bool = False
    selector: dict[str, Any] = field(default_factory=lambda: {"matchLabels": {"app": "web"}})
    asked_selectors: list[str] = field(default_factory=list)


def deployment_of(state: State) -> dict[str, Any]:
    limits = {"resources": {"limits": {"cpu": "500m"}}}
    ready = sum(state.pods.get(name, {}).get("ready", True) for name in names_of(state))
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": "web", "namespace": NAMESPACE, "generation": 1, "uid": "d-1"},
        "spec": {
            "replicas": state.replicas,
            "paused": state.paused,
            "selector": state.selector,
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web:1", **limits}]},
            },
        },
        "status": {
            "observedGeneration": int(state.observed),
            "replicas": state.replicas,
            "updatedReplicas": state.replicas,
            "readyReplicas": ready,
            "availableReplicas": ready,
        },
    }


def names_of(state: State) -> list[str]:
    return [f"web-{number}" for number in range(1, state.replicas + 1)]


def pod_of(name: str, changes: dict[str, Any]) -> dict[str, Any]:
    ready = changes.get("ready", True)
    metadata: dict[str, Any] = {"name": name, "namespace": NAMESPACE, "uid": f"uid of {name}"}
    metadata["labels"] = {"app": "web"}
    if "owner" in changes:
        kind, owner, template = changes["owner"]
        made = {"kind": kind, "name": owner, "uid": "o-1", "controller": True, "apiVersion": "x/v1"}
        metadata["ownerReferences"] = [made]
        metadata["labels"] |= {"pod-template-hash": template} if template else {}
    if changes.get("deleted"):
        metadata["deletionTimestamp"] = "2026-11-28T22:00:00Z"
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    if "unscheduled" in changes:
        conditions = [
            {"type": "PodScheduled", "status": "False", "message": changes["unscheduled"]}
        ]
    state = {"waiting": {"reason": changes["waiting"]}} if "waiting" in changes else {}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": metadata,
        "spec": {"nodeName": changes.get("node", "node-1"), "containers": [{"name": "web"}]},
        "status": {
            "phase": changes.get("phase", "Running"),
            **({"reason": changes["reason"]} if "reason" in changes else {}),
            "conditions": conditions,
            "containerStatuses": [
                {
                    "name": "web",
                    "restartCount": changes.get("restarts", 0),
                    "ready": ready,
                    "image": "web:1",
                    "imageID": "",
                    "state": state,
                    "lastState": {},
                }
            ],
        },
    }


class ApiServer(ThreadingHTTPServer):
    daemon_threads = True
    state: State


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ApiServer

    def do_GET(self) -> None:
        state, url = self.server.state, urlsplit(self.path)
        query = parse_qs(url.query)
        if state.status != 200:
            self._refuse(state.status, "Unauthorized", "Unauthorized")
        elif document := discovery_of(url.path):
            self._answer(document)
        elif state.forbidden and state.forbidden in url.path:
            self._refuse(
                403,
                "Forbidden",
                f'{state.forbidden} is forbidden: User "ci" cannot list resource'
                f' "{state.forbidden}" in API group "" in the namespace "{NAMESPACE}"',
            )
        elif re.fullmatch(r".*/deployments/web(/scale)?", url.path):
            self._answer(scale_of(state) if url.path.endswith("scale") else deployment_of(state))
        elif url.path.endswith("/deployments"):
            self._list("DeploymentList", "apps/v1", [deployment_of(state)])
        elif url.path.endswith("/pods"):
            state.asked_selectors += query.get("labelSelector", [""])
            self._list("PodList", "v1", pods_of(state))
        elif match := re.fullmatch(r".*/pods/([\w-]+)", url.path):
            self._answer(pod_of(match[1], state.pods.get(match[1], {})))
        elif url.path.endswith("/horizontalpodautoscalers"):
            self._list(
                "HorizontalPodAutoscalerList",
                "autoscaling/v2",
                [scaler_of(scaler, state.keda) for scaler in state.scalers],
            )
        elif url.path == f"/api/v1/namespaces/{NAMESPACE}":
            self._answer({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": NAMESPACE}})
        else:
            name = url.path.rpartition("/")[2]
            self._refuse(404, "NotFound", f'deployments.apps "{name}" not found')

    def do_PATCH(self) -> None:
        self._change()

    def do_PUT(self) -> None:
        self._change()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))  # in the binary form
        if self.server.state.forbidden and self.server.state.forbidden in self.path:
            self._refuse(403, "Forbidden", 'pods "web-1" is forbidden: cannot create "pods/exec"')
            return
        self._answer(
            {
                "kind": "SelfSubjectAccessReview",
                "apiVersion": "authorization.k8s.io/v1",
                "spec": {},
                "status": {"allowed": self.server.state.allowed},
            }
        )

    def _change(self) -> None:
        state = self.server.state
        replicas = int(self._body()["spec"]["replicas"])
        if state.forbidden and state.forbidden in self.path:
            self._refuse(
                403, "Forbidden", 'deployments.apps "web" is forbidden: User "ci" cannot patch'
            )
            return
        state.replicas = replicas
        state.scaled.append(replicas)
        if state.unready_after_scale:
            state.pods = {f"web-{number}": {"ready": False} for number in range(1, 9)}
        self._answer(scale_of(state))

    def _body(self) -> dict[str, Any]:
        length = int(self.headers.get("Content-Length", 0))
        parsed: dict[str, Any] = json.loads(self.rfile.read(length))
        return parsed

    def _list(self, kind: str, version: str, items: list[dict[str, Any]]) -> None:
        self._answer(
            {
                "kind": kind,
                "apiVersion": version,
                "metadata": {"resourceVersion": "1"},
                "items": items,
            }
        )

    def _refuse(self, status: int, reason: str, message: str) -> None:
        self._answer(
            {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Failure",
                "message": message,
                "reason": reason,
                "code": status,
            },
            status,
        )

    def _answer(self, document: dict[str, Any], status: int = 200) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def scale_of(state: State) -> dict[str, Any]:
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {"name": "web", "namespace": NAMESPACE},
        "spec": {"replicas": state.replicas},
        "status": {"replicas": state.replicas, "selector": "app=web"},
    }


def scaler_of(scaler: tuple[str, str, str], keda: str | None) -> dict[str, Any]:
    name, kind, target = scaler
    owner = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": keda, "uid": "s-1"}
    return {
        "kind": "HorizontalPodAutoscaler",
        "apiVersion": "autoscaling/v2",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "ownerReferences": [owner] if keda else [],
        },
        "spec": {
            "scaleTargetRef": {"kind": kind, "name": target, "apiVersion": "apps/v1"},
            "maxReplicas": 9,
        },
    }


def pods_of(state: State) -> list[dict[str, Any]]:
    names = names_of(state)
    further = [name for name in state.pods if name not in names and not name.startswith("web-")]
    return [pod_of(name, state.pods.get(name, {})) for name in (*names, *further)]


@contextmanager
def running(state: State) -> Iterator[str]:
    """Provide the address of a stand-in that has ``state``."""
    server = ApiServer(("127.0.0.1", 0), Handler)
    server.state = state
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def configure(folder: Path, url: str) -> Path:
    """Write kubectl's own configuration for a stand-in; return the file."""
    file = folder / "kubeconfig"
    file.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "here", "cluster": {"server": url}}],
                "users": [{"name": "ci", "user": {}}],
                "contexts": [
                    {
                        "name": "here",
                        "context": {"cluster": "here", "user": "ci", "namespace": NAMESPACE},
                    }
                ],
                "current-context": "here",
            }
        )
    )
    return file
