from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts import bench
from scripts.generator_bench import locustfiles


@contextmanager
def nothing(*_: object) -> Iterator[str]:
    yield "http://127.0.0.1:1"


def test_ratios_of_both_kinds_of_files_are_written_by_the_whole_benchmark(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ours = {"plain_httpuser.py": 45.0, "plain_fasthttpuser.py": 40.0}
    monkeypatch.setattr(locustfiles, "static_nginx", nothing)
    monkeypatch.setattr(locustfiles, "Generator", nothing)
    monkeypatch.setattr(locustfiles, "by_ours", lambda _child, _url, path: ours[path.name])
    monkeypatch.setattr(locustfiles, "by_stock", lambda _core, _url, path: 10.0)
    out = tmp_path / "bench.json"

    assert "locustfiles" in bench.parse([]).items
    assert bench.main(["--items", "locustfiles", "--out", str(out)]) == 0

    written = json.loads(out.read_text())
    assert (written["times_httpuser_file"], written["times_fasthttpuser_file"]) == (4.5, 4.0)
    assert written["bounds"] == {
        "times_httpuser_file": {"at_least": 4.0},
        "times_fasthttpuser_file": {"at_least": 3.0},
    }
