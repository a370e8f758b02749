"""Our program for Kubernetes as hooks, and as a call."""

import shutil

import pytest

from loadtests.environments.external import kubernetes
from loadtests.model.tested.external import Hooks

MARKS = [
    pytest.mark.slow,
    pytest.mark.parallel,
    pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl"),
    pytest.mark.usefixtures("cluster"),
]

OWN = "twofold-kubernetes"
HOOKS = Hooks(
    scale=(OWN, "scale", "deployment/web", "--replicas", "{replicas}"),
    replicas=(OWN, "replicas", "deployment/web"),
    limit_s=30.0,
    ready_limit_s=3.0,
)


def hook(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = kubernetes.main(words)
    out, err = capsys.readouterr()
    return code, out, err
