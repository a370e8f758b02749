"""Rows of the collection of cases as whole runs by the command line: files, verdict, words.

Each has an application of at most fifteen lines. What matters is which verdict comes out, and why;
the figures are those of a shared machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from loadtests.cli.boundary import run_command_line
from tests import needs
from tests.cases.applications import (
    COMPOSE,
    CONNECTIONS,
    DOCKERFILE,
    DYNAMIC,
    FRONT,
    HOT_ROW,
    IP_HASH,
    LIMITER,
    PROXIED,
    PROXY_PASS,
    SCHEDULER,
    SOCKET_IO,
    SOCKET_IO_USERS,
    SQLITE,
)
from tests.docker import built_images
from tests.docker.test_run import left_of

pytestmark = [pytest.mark.slow, pytest.mark.campaign]

OF_THE_MACHINE = {"host_contention", "generator_saturated", "proxy_saturated"}
"""Rules that other programs break."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run said: exit code, run.json, and all of its text."""

    code: int
    document: dict[str, Any]

    @property
    def text(self) -> str:
        """Everything that the run says of itself."""
        return json.dumps(self.document, ensure_ascii=False)

    @property
    def broken(self) -> dict[str, str]:
        """The rules that are broken, each with what it found first."""
        return {each["code"]: each["detail"] for each in reversed(self.document["invalid"])}

    def factors(self) -> list[str]:
        """Return the verdict of each doubling."""
        return [str(doubling["verdict"]) for doubling in self.document["doublings"]]

    def expect(self, code: int, verdict: str) -> None:
        """Hold the verdict; where others used the machine meanwhile, nothing can be told."""
        disturbed = OF_THE_MACHINE & self.broken.keys()
        if disturbed and self.document["verdict"] != verdict:
            pytest.skip(f"the machine was not quiet: {self.broken[min(disturbed)]}")
        said = (self.code, self.document["verdict"])
        assert said == (code, verdict), self.document["reason"]


def ran(
    capsys: pytest.CaptureFixture[str], folder: Path, files: dict[str, str], *words: str
) -> Outcome:
    """Run a target in a folder with these files."""
    for name, text in files.items():
        (folder / name).write_text(text)
    results = folder.parent / "results"
    code = run_command_line(["run", *words, "--json", "--out", str(results)])
    shown = capsys.readouterr()
    assert shown.out, shown.err
    return Outcome(code=code, document=json.loads(shown.out))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


# -- processes ---------------------------------------------------------------------------------

ON_PROCESSES = ("shop:app", "--backend", "processes", "--replicas", "1,2", "--rounds", "6")
ONE = '[variants.one]\nserver = "gunicorn"\nworker = "sync"\nprocesses = 1\n'


@needs.PROCESSES
def test_a_limiter_in_memory_is_invalid_and_counted_per_process(
    capsys: pytest.CaptureFixture[str], shop: Path
) -> None:
    outcome = ran(
        capsys, shop, {"shop.py": LIMITER}, *ON_PROCESSES, "--workers", "gthread", "--quick"
    )

    outcome.expect(3, "invalid")
    assert "status 429" in outcome.text
    assert "each process counts alone" in outcome.text
    assert "scales" not in outcome.factors()


@needs.PROCESSES
def test_a_scheduler_thread_is_work_that_runs_in_every_replica(
    capsys: pytest.CaptureFixture[str], shop: Path
) -> None:
    outcome = ran(
        capsys, shop, {"shop.py": SCHEDULER}, *ON_PROCESSES, "--workers", "gthread", "--quick"
    )

    outcome.expect(3, "invalid")
    assert "idle_cost" in outcome.broken
    assert "work that runs in every replica" in outcome.text


@needs.PROCESSES
@pytest.mark.parametrize(
    ("timeout_s", "verdict", "said"),
    [
        ("0.01", "breaks", "database is locked"),
        ("30", "no_gain", "shop.db was locked by a replica"),
    ],
)
def test_one_sqlite_file_shared_by_all(
    capsys: pytest.CaptureFixture[str], shop: Path, timeout_s: str, verdict: str, said: str
) -> None:
    files = {"shop.py": SQLITE.replace("TIMEOUT", timeout_s), "twofold.toml": ONE}

    outcome = ran(
        capsys, shop, files, *ON_PROCESSES, "--workers", "one", "--request", "POST /notes"
    )

    outcome.expect(1, verdict)
    assert said in outcome.text


@needs.PROCESSES
def test_socket_io_polling_without_stickiness_breaks_with_the_remedy(
    capsys: pytest.CaptureFixture[str], shop: Path
) -> None:
    files = {"shop.py": SOCKET_IO, "locustfile.py": SOCKET_IO_USERS}

    outcome = ran(
        capsys, shop, files, *ON_PROCESSES, "--workers", "gthread", "--locustfile", "locustfile.py"
    )

    outcome.expect(1, "breaks")
    assert "sticky sessions" in outcome.text


# -- Compose -----------------------------------------------------------------------------------


@pytest.fixture
def compose(shop: Path, with_store: None, built_once: None) -> Iterator[Path]:
    """A folder whose images are removed at the end; ours are there."""
    yield shop
    built_images.remove(shop)


def on_compose(
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    files: dict[str, str],
    *words: str,
    threads: int = 4,
) -> Outcome:
    outcome = ran(
        capsys,
        folder,
        {"Dockerfile": DOCKERFILE.replace("THREADS", str(threads)), **files},
        *("compose.yaml:web", "--backend", "compose", "--rounds", "5", *words),
    )
    assert left_of(outcome.document["run_id"]) == {}
    return outcome


@pytest.mark.docker
def test_one_hot_row_is_no_gain_and_the_row_lock_is_named(
    capsys: pytest.CaptureFixture[str], compose: Path
) -> None:
    files = {"shop.py": HOT_ROW.replace("ROWS", "1"), "compose.yaml": COMPOSE}

    outcome = on_compose(capsys, compose, files, "--replicas", "1,2")

    outcome.expect(1, "no_gain")
    cell = outcome.document["cells"][-1]
    assert cell["bottleneck"] == "store"
    assert "waited for a row lock (UPDATE stock" in cell["bottleneck_detail"]


@pytest.mark.docker
def test_the_same_over_a_thousand_rows_scales(
    capsys: pytest.CaptureFixture[str], compose: Path
) -> None:
    files = {"shop.py": HOT_ROW.replace("ROWS", "1000"), "compose.yaml": COMPOSE}

    outcome = on_compose(capsys, compose, files, "--replicas", "1,2")

    # On a shared machine a rule about the machine may be broken; more servers gain all the same.
    assert outcome.document["doublings"][0]["factor"] > 1.8
    assert outcome.document["verdict"] in {"scales", "inconclusive", "invalid"}
    assert "waited for a row lock" not in outcome.text


@pytest.mark.docker
def test_connections_scale_to_two_and_break_at_four(
    capsys: pytest.CaptureFixture[str], compose: Path
) -> None:
    files = {"shop.py": CONNECTIONS, "compose.yaml": COMPOSE}

    outcome = on_compose(capsys, compose, files, "--replicas", "1,2,4", threads=8)

    outcome.expect(1, "breaks")
    assert outcome.factors()[1] == "breaks"
    assert outcome.factors()[0] != "breaks"
    assert "20 of 20 in use, 32 wanted" in outcome.text


@pytest.mark.docker
@pytest.mark.parametrize(
    ("config", "said"),
    [
        (PROXY_PASS, "nginx looked the name web up once"),
        (IP_HASH, "nginx has ip_hash"),
    ],
)
def test_the_users_nginx_that_leaves_a_replica_out_is_replica_share(
    capsys: pytest.CaptureFixture[str], compose: Path, config: str, said: str
) -> None:
    files = {"shop.py": PROXIED, "compose.yaml": FRONT, "nginx.conf": config}

    outcome = on_compose(capsys, compose, files, "--replicas", "1,2", "--through", "nginx")

    outcome.expect(3, "invalid")
    assert "as-started-2 got about 0 of" in outcome.broken["replica_share"]
    assert said in outcome.broken["replica_share"]


@pytest.mark.docker
def test_the_users_nginx_that_looks_names_up_again_passes_to_all(
    capsys: pytest.CaptureFixture[str], compose: Path
) -> None:
    files = {"shop.py": PROXIED, "compose.yaml": FRONT, "nginx.conf": DYNAMIC}

    outcome = on_compose(capsys, compose, files, "--replicas", "1,2", "--through", "nginx")

    assert "replica_share" not in outcome.broken
    outcome.expect(0, "scales")
