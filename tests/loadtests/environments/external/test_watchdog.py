import json
import os
import signal
from pathlib import Path

import pytest

from loadtests.environments.external import record, watchdog
from loadtests.environments.guards import watching
from loadtests.model.tested.external import Hooks
from loadtests.tools import proc
from tests.loadtests.tools.test_proc import is_gone


@pytest.mark.parametrize("with_note", [False, True])
def test_servers_that_the_watchdog_brings_back_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_note: bool
) -> None:
    monkeypatch.setattr(watching, "watch", tuple)
    pid, sign = tmp_path / "pid", tmp_path / "sign"
    server = f"sleep 0.3; echo up; touch {sign}; exec sleep 60"
    scale = ("sh", "-c", f"({server}) & echo $! > {pid}", "scale.sh", "{replicas}")
    hooks = Hooks(scale=scale, replicas=("echo", "web-1"))
    noted = record.write(hooks, 2, (1,), tmp_path / "log") if with_note else None
    job = {"argv": scale, "limit_s": 30.0, "folder": None, "record": noted and str(noted)}

    code = watchdog.main(json.dumps(job))

    try:
        assert code == 0
        proc.wait_until(sign.exists, limit_s=5.0, failure="the server was ended")
        assert not is_gone(int(pid.read_text()))
    finally:
        os.kill(int(pid.read_text()), signal.SIGKILL)
