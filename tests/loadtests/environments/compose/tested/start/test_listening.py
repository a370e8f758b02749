"""Finding the port of a replica by what listens in it, without an engine."""

from __future__ import annotations

import http.server
import itertools
import json
import socketserver
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from loadtests.environments.compose import projects
from loadtests.environments.compose.tested.start import listening
from loadtests.environments.compose.tested.start.endings import ReplicaEnded
from loadtests.environments.compose.tested.start.listening import Wanted, look, wait_for_port
from loadtests.environments.compose.tested.start.ports import Sockets
from loadtests.environments.owner import Owner
from loadtests.model.errors import EnvironmentFailure, Interrupted, ProcessFailure
from loadtests.tools import docker, proc, procfs
from loadtests.tools.docker import Container, pulse
from loadtests.tools.procfs import Listener
from tests.loadtests.environments.compose.fake_engine import a_container

LOOPBACK = Listener(port=5000, address="127.0.0.1")


@dataclass
class Replica:
    """A replica whose sockets change with time; ``answers`` are statuses by port."""

    sockets: list[tuple[float, Sockets]]
    answers: dict[int, int | None] = field(default_factory=dict)
    ends_at_s: float = 1e9
    now_s: float = 0.0
    asked: list[str] = field(default_factory=list)
    log: str = "the log"

    def container(self) -> Container:
        return a_container("as-started", running=self.now_s < self.ends_at_s, exit_code=1)

    def look(self, _: Container) -> Sockets | None:
        return [sockets for from_s, sockets in self.sockets if from_s <= self.now_s][-1]

    def ask(self, urls: Sequence[str]) -> Sequence[int | None]:
        self.asked += urls
        return [self.answers.get(int(url.split(":")[2].partition("/")[0])) for url in urls]


def found(
    monkeypatch: pytest.MonkeyPatch,
    replica: Replica,
    *,
    asked: int | None = None,
    declared: tuple[int, ...] = (),
) -> tuple[int, str | None]:
    def sleep(seconds: float) -> None:
        replica.now_s += max(seconds, 0.1)

    monkeypatch.setattr(proc, "monotonic_s", lambda: replica.now_s)
    monkeypatch.setattr(proc, "sleep", sleep)
    return wait_for_port(
        replica.container,
        Wanted(asked=asked, declared=declared, path="/up"),
        sockets=replica.look,
        ask=replica.ask,
        log=lambda _: replica.log,
    )


def opens(*ports: int, loopback: tuple[Listener, ...] = ()) -> Sockets:
    return Sockets(ports=ports, loopback=loopback)


def test_the_only_port_is_taken_once_it_answers_with_whatever_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replica = Replica(sockets=[(0, opens()), (3, opens(8000))], answers={8000: 503})

    assert found(monkeypatch, replica, declared=(8000,)) == (8000, None)
    assert replica.asked == ["http://10.0.0.1:8000/up"]


@pytest.mark.parametrize(("first", "declared"), [(2222, (2222, 8000)), (5678, ())])
def test_a_port_that_listens_first_and_speaks_no_http_is_not_the_applications(
    monkeypatch: pytest.MonkeyPatch, first: int, declared: tuple[int, ...]
) -> None:
    """Such as sshd, or a debugger before a slow import."""
    replica = Replica(
        sockets=[(0, opens(first)), (20, opens(*sorted((first, 8000))))], answers={8000: 200}
    )

    port, _ = found(monkeypatch, replica, declared=declared)

    assert port == 8000
    assert len(replica.asked) < 20 / listening.ASK_AGAIN_S + 4


def test_the_declared_port_is_the_applications_even_if_it_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replica = Replica(sockets=[(0, opens(8000, 9090))], answers={8000: 500, 9090: 404})

    assert found(monkeypatch, replica, declared=(8000,))[0] == 8000
    assert found(monkeypatch, replica)[0] == 9090


def test_of_ports_that_all_fail_the_first_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    replica = Replica(sockets=[(0, opens(8000, 9090))], answers={8000: 500, 9090: 502})

    assert found(monkeypatch, replica)[0] == 8000


def test_the_bound_port_wins_over_the_declared_one_and_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replica = Replica(sockets=[(0, opens(8000))], answers={8000: 200})
    port, note = found(monkeypatch, replica, declared=(5000,))

    assert port == 8000
    assert "5000 is declared" in (note or "")


def test_of_several_ports_the_one_that_answers_over_http_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replica = Replica(
        sockets=[(0, opens(5555)), (1, opens(5555, 8000, 9090))],
        answers={5555: None, 8000: 404, 9090: 500},
    )

    port, note = found(monkeypatch, replica)

    assert port == 8000
    assert "also listens on 5555, 9090" in (note or "")
    assert replica.asked[0] == "http://10.0.0.1:5555/up"


def test_the_users_own_port_wins_as_soon_as_it_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    replica = Replica(sockets=[(0, opens(9000)), (5, opens(8000, 9000))])

    assert found(monkeypatch, replica, asked=8000, declared=(9000,)) == (8000, None)


def test_a_port_that_was_asked_for_and_does_not_listen_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(
        EnvironmentFailure, match=r"not listen on port 80, which was asked for, but on port 9000"
    ):
        found(monkeypatch, Replica(sockets=[(0, opens(9000))]), asked=80)


def test_a_loopback_address_is_told_long_before_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    replica = Replica(sockets=[(0, opens(loopback=(LOOPBACK,)))])

    with pytest.raises(
        EnvironmentFailure, match=r"as-started-1 listens on 127\.0\.0\.1:5000, which .*\n?the log"
    ):
        found(monkeypatch, replica)
    assert replica.now_s < listening.LOOPBACK_LIMIT_S + 2


def test_a_proxy_inside_that_comes_later_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    replica = Replica(
        sockets=[(0, opens(loopback=(LOOPBACK,))), (6, opens(80, loopback=(LOOPBACK,)))],
        answers={80: 200},
    )

    assert found(monkeypatch, replica) == (80, None)


def test_a_replica_that_never_listens_is_told_with_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EnvironmentFailure, match=r"listens on no TCP port 90 s after its start"):
        found(monkeypatch, Replica(sockets=[(0, opens())]))


ON_IPV6 = Sockets(ports=(8000,), loopback=(), ipv6=(8000,))
UWSGI = "invalid request block size: 21573 (max 4096)...skip"


@pytest.mark.parametrize(
    ("sockets", "log", "said"),
    [
        (opens(1, 2), "", r"port 1, port 2, and none answers /up over HTTP"),
        (opens(5000), UWSGI, r"port 5000, and does not answer /up over HTTP 90 s .*--http-socket"),
        (opens(), "Listening at: unix:/a (7)", r"no TCP port 90 s .*Unix socket.*bind a TCP"),
        (
            ON_IPV6,
            "",
            r"after its start\. It listens on an address of IPv6; .*, bind 0\.0\.0\.0",
        ),
        (ON_IPV6, UWSGI, r"after its start\. It speaks uwsgi's own protocol"),
    ],
)
def test_a_server_that_does_not_answer_over_http_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, sockets: Sockets, log: str, said: str
) -> None:
    with pytest.raises(EnvironmentFailure, match=said):
        found(monkeypatch, Replica(sockets=[(0, sockets)], log=log))


def test_a_replica_that_ends_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    replica = Replica(sockets=[(0, opens())], ends_at_s=2)

    with pytest.raises(ReplicaEnded, match="as-started-1 ended with exit code 1"):
        found(monkeypatch, replica)
    assert replica.now_s < 3


# -- where the sockets are read -----------------------------------------------------------------


def test_on_this_machine_the_kernel_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/cgroup").write_text("0::/system.slice/docker-abc.scope\n")
    monkeypatch.setattr(listening, "PROC", tmp_path)
    monkeypatch.setattr(procfs, "listeners_of", lambda _: (LOOPBACK,))

    assert look(a_container("web", pid=7, id="abc"), local=True, run="r") == opens(
        loopback=(LOOPBACK,)
    )


def test_where_processes_are_not_visible_a_helper_container_reads_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran: list[tuple[str, ...]] = []
    line = "0: 00000000:1F40 00000000:0000 0A 0 0 0 0 0 1 1 0 100 0 0 10 0\n"

    def run(argv: tuple[str, ...], **_: object) -> proc.Completed:
        ran.append(argv)
        return proc.Completed(argv=argv, code=0, stdout=line, stderr="")

    monkeypatch.setattr(proc, "run", run)
    monkeypatch.setattr(listening, "PROC", tmp_path)

    for local in (True, False):
        assert look(a_container("web", pid=7, id="abc"), local=local, run="r") == opens(8000)
    assert ran[0][:5] == ("docker", "run", "--rm", "--network", "container:abc")
    assert "io.twofold.run=r" in ran[0]
    assert set(pulse.LIMITS) <= set(ran[0])


def test_a_helper_can_be_found_and_removed_when_nobody_waits_for_it_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[tuple[str, ...]] = []

    def run(argv: tuple[str, ...], **_: object) -> proc.Completed:
        ran.append(argv)
        if argv[1] == "run":
            raise Interrupted(15)
        return proc.Completed(argv=argv, code=0, stdout="", stderr="")

    monkeypatch.setattr(proc, "run", run)

    with pytest.raises(Interrupted):
        look(a_container("web", id="abc"), local=False, run="r")

    words = ran[0]
    name = words[words.index("--name") + 1]
    labels = dict(
        text.split("=", 1) for word, text in itertools.pairwise(words) if word == "--label"
    )
    project = labels[docker.PROJECT_LABEL]
    assert projects.NAME.fullmatch(project)
    assert name.startswith(f"{project}-")
    assert labels[docker.RUN_LABEL] == "r"
    assert labels[docker.OWNER_LABEL] == Owner.this_process().as_label()
    assert ran[1] == ("docker", "rm", "--force", "--volumes", name)


def test_a_container_that_is_gone_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, **__: object) -> None:
        raise ProcessFailure("no such container")

    monkeypatch.setattr(proc, "run", run)

    assert look(a_container("web"), local=False, run="r") is None


def test_urls_are_asked_from_the_generators_container(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(argv: tuple[str, ...], **_: object) -> proc.Completed:
        assert argv[:4] == ("docker", "exec", "--interactive", "generator-1")
        return proc.Completed(argv=argv, code=0, stdout="[200, null]", stderr="")

    monkeypatch.setattr(proc, "run", run)

    assert listening.ask_from("generator-1")(["http://a", "http://b"]) == [200, None]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        statuses = {"/away": 302, "/broken": 500, "/%C3%A4?q=1": 200}
        self.send_response(statuses.get(self.path, 404))
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Banner(socketserver.BaseRequestHandler):
    """A server of another protocol, such as sshd."""

    def handle(self) -> None:
        self.request.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")


@contextmanager
def serving(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_every_status_is_an_answer_and_no_redirect_is_followed() -> None:
    """It may lead to TLS or to another host, which the stack's network does not reach."""
    with serving(Handler) as port, serving(Banner) as other:
        urls = [f"http://127.0.0.1:{port}{path}" for path in ("/away", "/broken", "/ä?q=1")]
        done = proc.run((sys.executable, "-c", listening.ASK, *urls, f"http://127.0.0.1:{other}/"))

    assert json.loads(done.stdout) == [302, 500, 200, None]


def test_a_generator_that_does_not_answer_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, **__: object) -> None:
        raise ProcessFailure("it hangs")

    monkeypatch.setattr(proc, "run", run)

    assert listening.ask_from("generator-1")(["http://a"]) == [None]
