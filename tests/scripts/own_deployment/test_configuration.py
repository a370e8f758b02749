"""The configuration of a run on the deployment, as a run reads it."""

from __future__ import annotations

import shlex
import sys
import tomllib
from pathlib import Path

from loadtests.environments.external.hooks import scale_argv
from loadtests.model.tested.external import Hooks
from scripts.own_deployment import configuration, printed


def test_the_hooks_are_commands_for_the_folder_that_no_shell_has_to_read() -> None:
    text = configuration.text_for("http://172.20.0.2:8080", Path("/tmp/a b"))

    told = tomllib.loads(text)["tool"]["twofold"]
    assert told["url"] == "http://172.20.0.2:8080"
    assert told["workloads"] == {"cpu": {"path": "/cpu"}}
    scale = tuple(shlex.split(told["external"]["scale"]))
    assert scale_argv(Hooks(scale=scale), 4) == (
        *(sys.executable, "-m", "scripts.own_deployment.hooks"),
        *("/tmp/a b", "4"),
    )
    for hook in ("replicas", "counters"):
        words = shlex.split(told["external"][hook])
        assert words[1:] == ["-I", "-S", printed.__file__, hook, "/tmp/a b"]
