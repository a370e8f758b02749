import pytest

from loadtests.tools.kubectl import (
    Access,
    CpuCounters,
    access_in,
    argv,
    cpus,
    explained,
    parse_counters,
    parse_pods,
    parse_workload,
    scale_argv,
    selector_of,
)

LOG = 'E1130 00:08:34.792089    8832 memcache.go:265] "Unhandled Error" err="couldn\'t get: '
REFUSED = "The connection to the server 127.0.0.1:1 was refused"
NO_PLUGIN = f"""{LOG}getting credentials: exec: executable aws-auth not found
Unable to connect to the server: getting credentials: exec: executable aws-auth not found

It looks like a plugin is not installed.
"""
PLUGIN_FAILED = """F1130 00:08:49.141866    9211 cred.go:145] print credential failed with error
ERROR: You do not have an active account.
Unable to connect to the server: getting credentials: exec: executable g failed with exit code 1
"""

V2 = "usage_usec 1500000\nuser_usec 1\nnr_throttled 3\nthrottled_usec 250000\n"
V1 = "nr_periods 9\nnr_throttled 2\nthrottled_time 500000000\n2500000000\n"


def test_context_and_namespace_stand_before_the_words() -> None:
    access = Access(namespace="shop", context="test")

    assert argv(access, "get", "pods")[2:] == (
        *("--context", "test", "--namespace", "shop", "get", "pods"),
    )
    assert scale_argv(Access(), "Deployment", "web", 4)[2:] == (
        *("scale", "deployment/web", "--replicas=4"),
    )


@pytest.mark.parametrize(
    ("text", "counters"),
    [
        (V2, CpuCounters(cpu_s=1.5, throttled_s=0.25)),
        (V1, CpuCounters(cpu_s=2.5, throttled_s=0.5)),
        ("usage_usec 1000000\n", CpuCounters(cpu_s=1.0, throttled_s=None)),
        ("", None),
        ("sh: cat: not found\n", None),
    ],
)
def test_the_kernels_counters_of_both_versions_are_read(
    text: str, counters: CpuCounters | None
) -> None:
    assert parse_counters(text) == counters


def test_every_kind_of_rule_is_in_a_selector() -> None:
    rules = [
        {"key": "a", "operator": "In", "values": ["x", "y"]},
        {"key": "b", "operator": "NotIn", "values": ["z"]},
        {"key": "c", "operator": "Exists"},
        {"key": "d", "operator": "DoesNotExist"},
    ]

    assert selector_of({"matchExpressions": rules}) == "a in (x,y),b notin (z),c,!d"


@pytest.mark.parametrize(
    ("stderr", "way_out"),
    [
        ("Error from server (Forbidden): pods is forbidden", "permission"),
        ('error: context "x" does not exist', "get-contexts"),
        ('Error from server (NotFound): deployments.apps "w" not found', "--all-namespaces"),
        ("error: You must be logged in to the server (Unauthorized)", "Log in"),
        ("The connection to the server 1.2.3.4:6443 was refused", "Is the cluster up"),
        (
            "The connection to the server 1.2.3.4:6443 was refused - is it the right port?",
            "right port. Is the cluster up",
        ),
        (NO_PLUGIN, "by the program 'aws-auth', which is not there. Install it"),
        (NO_PLUGIN.replace("aws-auth", "/opt/my tools/login"), "by the program '/opt/my tools/lo"),
        (f"{LOG}dial tcp: connect: connection refused\n{REFUSED}", f"kubectl failed: {REFUSED}."),
        (PLUGIN_FAILED, "failed with exit code 1. Log in"),
        ("", "it said nothing"),
    ],
)
def test_a_failure_is_told_with_what_to_do(stderr: str, way_out: str) -> None:
    assert way_out in explained(stderr)


def test_a_failure_is_told_with_the_cluster_that_was_asked() -> None:
    access = access_in(("kubectl", "--context", "a test", "--namespace", "shop", "get", "pods"))

    assert "kubectl --context 'a test' --namespace shop get pods" in explained("", access)


@pytest.mark.parametrize(
    ("quantity", "limit"),
    [("500m", 0.5), ("2", 2.0), ("0.25", 0.25), (None, None), ("0", None), ("much", None)],
)
def test_a_limit_is_a_number_of_cpus(quantity: str | None, limit: float | None) -> None:
    assert cpus(quantity) == limit


def a_pod(owner: tuple[str, str] | None, *, template: str = "") -> dict[str, object]:
    owners = [{"kind": owner[0], "name": owner[1], "controller": True}] if owner else []
    watcher = {"kind": "Watcher", "name": "w"}  # an owner that does not control it
    labels = {"pod-template-hash": template} if template else {}
    return {
        "metadata": {"name": "p", "ownerReferences": [watcher, *owners], "labels": labels},
        "status": {},
    }


@pytest.mark.parametrize(
    ("kind", "owner", "template", "is_replica"),
    [
        ("Deployment", ("ReplicaSet", "web-5d4b"), "5d4b", True),
        ("Deployment", ("ReplicaSet", "web-canary-5d4b"), "5d4b", False),
        ("Deployment", ("ReplicaSet", "web-5d4b"), "", False),
        ("Deployment", ("StatefulSet", "web"), "", False),
        ("Deployment", ("Job", "web-5d4b"), "5d4b", False),
        ("Deployment", None, "", True),
        ("StatefulSet", ("StatefulSet", "web"), "", True),
        ("StatefulSet", ("StatefulSet", "web-2"), "", False),
        ("StatefulSet", ("ReplicaSet", "web-5d4b"), "5d4b", False),
        ("StatefulSet", None, "", True),
    ],
)
def test_a_replica_is_what_the_workload_controls(
    kind: str, owner: tuple[str, str] | None, template: str, is_replica: bool
) -> None:
    workload = parse_workload(
        {
            "kind": kind,
            "metadata": {"name": "web"},
            "spec": {
                "selector": {"matchLabels": {"app": "web"}},
                "template": {"spec": {"containers": []}},
            },
        }
    )

    (pod,) = parse_pods({"items": [a_pod(owner, template=template)]})

    assert pod.is_of(workload) is is_replica


def test_a_sidecar_counts_as_a_container_of_its_pod() -> None:
    def container(name: str, **fields: object) -> dict[str, object]:
        return {"name": name, "resources": {"limits": {"cpu": "250m"}}, **fields}

    pod = {
        "metadata": {"name": "web-1"},
        "spec": {
            "containers": [container("web")],
            "initContainers": [container("wait"), container("mesh", restartPolicy="Always")],
        },
    }

    (found,) = parse_pods({"items": [pod]})

    assert found.cpu_limits == {"web": 0.25, "mesh": 0.25}


def waits(reason: str) -> dict[str, object]:
    return {"state": {"waiting": {"reason": reason}}}


def ended(code: int, reason: str) -> dict[str, object]:
    return {"state": {"terminated": {"exitCode": code, "reason": reason}}}


RUNS: dict[str, object] = {"state": {"running": {"startedAt": "2026-11-28T22:00:00Z"}}}


@pytest.mark.parametrize(
    ("phase", "before", "containers", "reason"),
    [
        (
            "Pending",
            [waits("CrashLoopBackOff"), waits("PodInitializing")],
            [waits("PodInitializing")],
            "CrashLoopBackOff of its init container init-1",
        ),
        (
            "Pending",
            [ended(0, "Completed"), ended(1, "Error")],
            [waits("PodInitializing")],
            "Error of its init container init-2",
        ),
        (
            "Pending",
            [RUNS, waits("PodInitializing")],
            [waits("PodInitializing")],
            "PodInitializing",
        ),
        ("Running", [ended(0, "Completed")], [RUNS, ended(137, "OOMKilled")], "OOMKilled"),
        ("Running", [RUNS], [waits("CrashLoopBackOff")], "CrashLoopBackOff"),
        ("Running", [ended(0, "Completed")], [RUNS], ""),
        ("Running", [], [RUNS, ended(0, "Completed")], ""),
        ("Failed", [], [ended(1, "Error")], ""),
    ],
)
def test_why_a_pod_does_not_serve_is_what_its_containers_say(
    phase: str, before: list[dict[str, object]], containers: list[dict[str, object]], reason: str
) -> None:
    pod = {
        "metadata": {"name": "web-1"},
        "status": {
            "phase": phase,
            "initContainerStatuses": [
                {"name": f"init-{number}", **one} for number, one in enumerate(before, start=1)
            ],
            "containerStatuses": [{"name": "web", **one} for one in containers],
        },
    }

    (found,) = parse_pods({"items": [pod]})

    assert found.reason == reason
