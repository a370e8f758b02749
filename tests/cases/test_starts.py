"""Rows about applications that do not come up, as whole runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.cli.boundary import run_command_line
from tests import needs

BOOT_LOOP = """\
import time
from flask import Flask
for attempt in range(1, 1000):
    print(f"attempt {attempt}: deploy command failed, retrying in 1 s", flush=True)
    time.sleep(1)
app = Flask(__name__)
"""
"""It retries for a store that is not there; a process of its own tells it from an import."""

SERVER = """\
[variants.boot]
server = "command"
command = ["python", "boot.py", "{bind}"]
"""


@pytest.mark.slow
@pytest.mark.parallel
@needs.PROCESSES
def test_a_boot_loop_is_exit_code_4_with_the_line_that_repeats(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "boot.py").write_text(BOOT_LOOP)
    (tmp_path / "shop.py").write_text("from flask import Flask\napp = Flask(__name__)\n")
    (tmp_path / "twofold.toml").write_text(SERVER)
    monkeypatch.chdir(tmp_path)
    words = ("shop:app", "--backend", "processes", "--workers", "boot", "--start-limit", "6")

    code = run_command_line(["run", *words, "--out", str(tmp_path / "results")])

    assert code == 4
    message = capsys.readouterr().err
    assert "deploy command failed, retrying in 1 s" in message
    assert " times" in message
