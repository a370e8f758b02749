"""How the embedded backend starts a stack, and what keeps it from that."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.environments.processes.backend import ProcessesBackend
from loadtests.measurement.generator_client import Agent
from loadtests.model.errors import EnvironmentFailure
from loadtests.servers import gunicorn
from loadtests.tools import nginx
from tests.loadtests.builders import make_worker
from tests.loadtests.environments.processes import test_backend
from tests.loadtests.environments.processes.stack_to_kill import ROOT, wait_ready
from tests.loadtests.environments.processes.test_backend import plan_for

pytestmark = test_backend.pytestmark


def open_and_close(root: Path, folder: Path) -> None:
    with ProcessesBackend(root).open(plan_for(("gthread",)), folder, lambda line: None):
        pass


def test_a_folder_that_is_no_checkout_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailure, match=r"no app/gunicorn\.conf\.py in"):
        open_and_close(tmp_path, tmp_path)


def test_without_nginx_the_ways_to_get_one_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nginx, "find_program", lambda: None)

    with pytest.raises(EnvironmentFailure, match="apt install nginx-light"):
        open_and_close(ROOT, tmp_path)


def test_without_the_applications_packages_they_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gunicorn, "missing_modules", lambda: ("gevent",))

    with pytest.raises(EnvironmentFailure, match="has no gevent"):
        open_and_close(ROOT, tmp_path)


def test_settings_reach_the_replicas_that_they_are_for(tmp_path: Path) -> None:
    lock = {"SERIAL_LOCK": str(tmp_path / "lock")}
    settings = {"*": lock, "gthread-2": {"SERIAL_SHARE": "0.3"}}
    backend = ProcessesBackend(ROOT, settings=settings, wsgi_app="scripts.zoo.app:create_app()")

    with (
        backend.open(plan_for(("gthread",)), tmp_path, lambda line: None) as stack,
        stack.start_generator() as child,
    ):
        agent = Agent(child)
        agent.hello()
        wait_ready(stack, agent)
        first, second = (
            agent.fetch([f"http://{replica.address}/serial?ms=1"])[0] for replica in stack.replicas
        )

    shares = [json.loads(answer.body)["serial_share"] for answer in (first, second)]
    assert shares == [0, 0.3]


def test_servers_that_only_take_a_port_share_none(tmp_path: Path) -> None:
    """They may listen on all addresses, so an address of its own would not tell replicas apart."""
    words = ("python", "-m", "flask", "--app", "{module}", "run", "--host", "0.0.0.0")
    own = replace(
        make_worker("own"), server="command", options=(*words, "--port", "{port}"), slots=None
    )
    plan = replace(plan_for(("own",)), workers=(own,))

    with (
        ProcessesBackend(ROOT).open(plan, tmp_path, lambda line: None) as stack,
        stack.start_generator() as child,
    ):
        agent = Agent(child)
        agent.hello()
        wait_ready(stack, agent)
        answers = agent.fetch([f"http://{replica.address}/whoami" for replica in stack.replicas])

    named = [json.loads(answer.body)["replica"] for answer in answers]
    assert named == ["own-1", "own-2"]


def test_an_nginx_that_does_not_start_is_a_message_with_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for(("gthread",))
    monkeypatch.setattr(nginx, "render", lambda *_, **__: "nonsense;")

    with (
        ProcessesBackend(ROOT).open(plan, tmp_path, lambda line: None) as stack,
        pytest.raises(EnvironmentFailure, match='unknown directive "nonsense"'),
    ):
        stack.configure_proxy(plan.upstreams)


def test_what_a_dead_run_has_left_is_removed_first_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead = tmp_path / "twofold-dead"
    (dead / "started").mkdir(parents=True)
    (dead / "owner.json").write_text('{"pid": 1, "started": "0", "boot": "", "groups": []}')
    lines: list[str] = []

    with ProcessesBackend(ROOT).open(plan_for(("gthread",)), tmp_path / "run", lines.append):
        assert not dead.exists()

    assert lines[0] == f"Removing {dead}, left by a dead run"
    assert not list(tmp_path.glob("twofold-*"))


def test_nginx_is_found_where_ordinary_users_have_it_not_on_their_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if shutil.which("nginx", path="/usr/sbin") is None:
        pytest.skip("nginx is elsewhere here")
    monkeypatch.setenv("PATH", "/bin")

    assert nginx.find_program() == "/usr/sbin/nginx"
