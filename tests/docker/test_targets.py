"""What people's own images do, each with its right outcome, on the Docker engine.

The images are made from the sample application's, which has Flask and gunicorn.
"""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from loadtests.cli.boundary import run_command_line
from loadtests.environments.compose.tested.start import listening
from loadtests.tools import docker
from tests.docker import built_images
from tests.docker.test_run import OWN_RUN, left_of
from tests.docker.user_targets import SHOP, opened, outcome
from tests.short_run import shorten

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.parallel,
    pytest.mark.usefixtures("built"),
]

SHELL_FORM = """\
FROM twofold/app:latest
EXPOSE 5000
HEALTHCHECK --interval=5m CMD curl -f http://localhost
CMD /venv/bin/python -c 'import socket, time; s = socket.create_server(("", 7000)); \
time.sleep(600)' & /venv/bin/python -m http.server 8080
"""
"""It binds another port than it declares, and a second one that does not speak HTTP."""


# -- an image that works, in its own way ------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen of a stack while it was up, and how long it took to go down."""

    addresses: tuple[str, ...]
    healthcheck: Any
    by_helper: tuple[int, ...]
    notes: tuple[str, ...]
    down_s: float
    left: dict[str, str]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("shell-form")
    (folder / "Dockerfile").write_text(SHELL_FORM)
    results = folder / OWN_RUN
    with opened(".", folder, results) as stack:
        addresses = tuple(replica.address for replica in stack.replicas)
        identity = stack.replicas[0].identity
        described = json.loads(subprocess.check_output(("docker", "inspect", identity)))[0]
        container = docker.parse_container(described)
        sockets = listening.look(container, local=False, run=results.name)
        began_s = time.monotonic()
    built_images.remove(folder)
    return Seen(
        addresses=addresses,
        healthcheck=described["Config"]["Healthcheck"]["Test"],
        by_helper=sockets.ports if sockets else (),
        notes=stack.notes,
        down_s=time.monotonic() - began_s,
        left=left_of(results.name),
    )


def test_the_port_that_answers_is_used_and_not_the_declared_one(seen: Seen) -> None:
    assert [address.rpartition(":")[2] for address in seen.addresses] == ["8080", "8080"]
    assert (
        "Port 8080 is used, since it is what listens; 5000, 8000 are declared (EXPOSE or ports)."
        " It also listens on 7000." in seen.notes
    )


def test_for_an_engine_elsewhere_a_helper_container_sees_the_same_ports(seen: Seen) -> None:
    assert seen.by_helper == (7000, 8080)


def test_the_images_own_check_of_health_is_off_and_told(seen: Seen) -> None:
    assert seen.healthcheck == ["NONE"]
    assert any(note.startswith("The HEALTHCHECK is switched off") for note in seen.notes)


def test_replicas_that_ignore_sigterm_go_down_in_one_grace_period_with_a_note(seen: Seen) -> None:
    assert any(
        note.startswith("Replicas ignored SIGTERM and were killed 2 s") for note in seen.notes
    )
    assert seen.down_s < 60
    assert seen.left == {}


# -- images that do not come up ---------------------------------------------------------------


@pytest.mark.usefixtures("built_once")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            'CMD ["/venv/bin/python", "-c", "raise SystemExit(\'no database configured\')"]',
            "Replica as-started-1 ended with exit code 1. The end of its log:\n"
            "no database configured",
        ),
        (
            'CMD ["/venv/bin/python", "-c", "from werkzeug.urls import url_quote"]',
            "ended with exit code 1: ImportError: cannot import name 'url_quote' from"
            " 'werkzeug.urls'",
        ),
        ('CMD ["/no/such/program"]', "/no/such/program"),
        (
            'CMD ["/venv/bin/python", "-m", "http.server", "5000", "--bind", "127.0.0.1"]',
            "Replica as-started-1 listens on 127.0.0.1:5000, which nothing outside of its container"
            " reaches; bind 0.0.0.0",
        ),
    ],
)
def test_an_image_that_does_not_come_up_is_exit_code_4_with_its_own_words(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: str,
    said: str,
) -> None:
    monkeypatch.setattr(listening, "LOOPBACK_LIMIT_S", 1.0)
    (here / "Dockerfile").write_text(f"FROM twofold/app:latest\n{command}\n")

    code, message = outcome(capsys, tmp_path / "results", ".")

    assert code == 4
    assert said in message


@pytest.mark.parametrize(
    ("dockerfile", "said"),
    [
        ("FROM scratch\nCOPY Dockerfile /\n", "has neither CMD nor ENTRYPOINT"),
        (
            "FROM twofold/app:latest\nRUN echo begin && /no/pip install x && echo end\n",
            "(RUN echo begin && /no/pip install x && echo end) failed: /bin/sh: 1: /no/pip: not",
        ),
        ("FROM registry.invalid/shop:1\n", "registry.invalid"),
        ("FROM twofold/app:latest\nCOPY gone.txt /\n", "gone.txt"),
    ],
)
def test_an_image_that_does_not_build_is_exit_code_4_with_the_step_and_the_first_error(
    here: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, dockerfile: str, said: str
) -> None:
    (here / "Dockerfile").write_text(dockerfile)

    code, message = outcome(capsys, tmp_path / "results", ".")

    assert code == 4
    assert said in message.splitlines()[0]


WRITE = "import sys; open(sys.argv[1], 'wb').write(b'x' * (8 << 20)); b'x' * (1 << 28)"

IN_A_BOX = f"""\
services:
  memory:
    {{image: &app twofold/app, entrypoint: &write [python3, -c, "{WRITE}"], mem_limit: 32m,
      command: [/dev/null]}}
  root: {{image: *app, entrypoint: *write, command: [/srv/x], user: "0", read_only: true}}
  room: {{image: *app, entrypoint: *write, command: [/tmp/x], tmpfs: ["/tmp:size=1m,mode=1777"]}}
  user: {{image: *app, entrypoint: *write, command: [/srv/x], user: "1234"}}
  rights: {{image: *app, user: "0", cap_drop: [ALL], command: [chown, "1234", /srv]}}
"""


@pytest.mark.usefixtures("built_once")
@pytest.mark.parametrize(
    ("service", "said", "remedy"),
    [
        ("memory", "was killed, out of memory (OOMKilled, exit code 137)", "mem_limit"),
        ("root", "Read-only file system: '/srv/x'", "give it a tmpfs where it writes"),
        ("room", "No space left on device", "the size of its tmpfs"),
        ("user", "Permission denied: '/srv/x'", "Look at the user that it runs as"),
        ("rights", "Operation not permitted", "dropped capabilities (cap_drop)"),
    ],
)
def test_what_the_image_may_not_do_is_exit_code_4_with_its_line_and_the_remedy(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    service: str,
    said: str,
    remedy: str,
) -> None:
    (here / "compose.yaml").write_text(IN_A_BOX)

    code, message = outcome(capsys, tmp_path / "results", f"compose.yaml:{service}")

    assert code == 4
    assert said in message.splitlines()[0]
    assert remedy in message.splitlines()[0]


# -- what cannot be used as it is -------------------------------------------------------------


def test_a_word_that_is_nothing_is_exit_code_2_in_one_message(
    here: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, message = outcome(capsys, tmp_path / "results", "shpo")

    assert code == 2
    assert message.startswith("twofold: There is no target 'shpo': no file, folder or Compose")
    assert not (tmp_path / "results").exists()


def test_a_context_of_10_gb_is_exit_code_2_before_anything_is_sent(
    here: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (here / "Dockerfile").write_text("FROM twofold/app:latest\nCOPY . /srv\n")
    with (here / "data.bin").open("wb") as file:
        file.truncate(10 * 10**9)

    code, message = outcome(capsys, tmp_path / "results", ".")

    assert code == 2
    assert "The largest parts: data.bin (10.0 GB)" in message
    assert ".dockerignore" in message


# -- a whole run ------------------------------------------------------------------------------

SHOP_IMAGE = """\
FROM twofold/app:latest
COPY shop.py /srv/
EXPOSE 8080
CMD ["/venv/bin/gunicorn", "--bind", "0.0.0.0:8080", "--threads", "4", "shop:app"]
"""


def test_a_flask_application_in_an_image_of_its_own_gets_a_verdict(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    shorten(monkeypatch)
    (here / "shop.py").write_text(SHOP)
    (here / "Dockerfile").write_text(SHOP_IMAGE)
    words = ("--backend", "compose", "--replicas", "1,2", "--rounds", "2", "--quick", "--json")

    code = run_command_line(["run", ".", *words, "--out", str(tmp_path / "results")])

    document = json.loads(capsys.readouterr().out)
    (folder,) = (tmp_path / "results").iterdir()
    assert code in {0, 1, 3}
    assert document["plan"]["tested"]["name"] == "shop"
    assert [cell["replicas"] for cell in document["cells"]] == [1, 2]
    assert all(cell["throughput_rps"]["estimate"] > 0 for cell in document["cells"])
    assert all(cell["error_ratio"] == 0 for cell in document["cells"])
    assert any("no way out" in note for note in document["notes"])
    assert left_of(folder.name) == {}
