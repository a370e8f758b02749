"""What the stand-in for a cluster says of the kinds of objects that it has."""

from typing import Any

RESOURCES = {
    "/api/v1": [
        ("namespaces", "Namespace"),
        ("pods", "Pod"),
        ("pods/exec", "PodExecOptions"),
        ("nodes", "Node"),
    ],
    "/apis/apps/v1": [
        ("deployments", "Deployment"),
        ("deployments/scale", "Scale"),
        ("statefulsets", "StatefulSet"),
        ("statefulsets/scale", "Scale"),
    ],
    "/apis/autoscaling/v2": [("horizontalpodautoscalers", "HorizontalPodAutoscaler")],
    "/apis/authorization.k8s.io/v1": [("selfsubjectaccessreviews", "SelfSubjectAccessReview")],
}

VERBS = ["get", "list", "watch", "create", "update", "patch", "delete"]


def discovery_of(path: str) -> dict[str, Any] | None:
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = [place.split("/")[2:] for place in RESOURCES if place.startswith("/apis/")]
        return {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [
                {
                    "name": group,
                    "versions": [{"groupVersion": f"{group}/{version}", "version": version}],
                    "preferredVersion": {"groupVersion": f"{group}/{version}", "version": version},
                }
                for group, version in groups
            ],
        }
    if path in RESOURCES:
        return {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": path.removeprefix("/apis/").removeprefix("/api/"),
            "resources": [
                {
                    "name": name,
                    "singularName": "",
                    "namespaced": name not in {"namespaces", "nodes", "selfsubjectaccessreviews"},
                    "kind": kind,
                    "verbs": VERBS,
                }
                for name, kind in RESOURCES[path]
            ],
        }
    return None
