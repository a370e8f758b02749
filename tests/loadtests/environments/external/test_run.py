"""A deployment behind a balancer of its own, scaled by a command, measured from end to end."""

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import pytest

from loadtests import pipeline
from loadtests.config.options import Options
from loadtests.environments import registry
from loadtests.model.plan import Plan
from loadtests.model.result import RunResult
from loadtests.model.tested.external import Hooks
from loadtests.model.tested.target import Target, TargetKind
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleCode, RuleState, Verdict
from loadtests.planning.run_plan import make_plan
from loadtests.targets import plain
from tests.short_run import shorten

SLOTS = 2
SERVICE_S = 0.05


class Web(ThreadingHTTPServer):
    """As many replicas as a file says; each serves two requests at a time, in 50 ms."""

    daemon_threads = True

    def __init__(self, number: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.number = number
        self.turn = count()
        self.replicas = [threading.Semaphore(SLOTS) for _ in range(4)]


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Web

    def do_GET(self) -> None:
        index = next(self.server.turn) % int(self.server.number.read_text())
        with self.server.replicas[index]:
            time.sleep(SERVICE_S)
        self.send_response(200)
        self.send_header("X-Served-By", f"web-{index + 1}")
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    number = tmp_path / "number"
    number.write_text("3")
    server = Web(number)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class Silent:
    """Progress that nobody looks at."""

    def say(self, line: str) -> None:
        pass

    def planned(self, plan: Plan) -> None:
        pass

    def measured(self, trials: Sequence[Trial]) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window has fifty answers and more, each after 50 ms."""
    shorten(monkeypatch)


def measured(web: Web, results: Path, *, scale: str) -> RunResult:
    file = str(web.number)
    head = f"import sys; from pathlib import Path; f = Path({file!r});"
    names = f"{head} print(*(f'web-{{i + 1}}' for i in range(int(f.read_text()))), sep='\\n')"
    python = (sys.executable, "-I", "-S", "-c")
    tested = Target(
        kind=TargetKind.URL,
        given="url",
        name="web",
        url=f"http://127.0.0.1:{web.server_address[1]}",
        port=web.server_address[1],
        hooks=Hooks(
            scale=(*python, head + scale, "{replicas}"),
            replicas=(*python, names),
            header="x-served-by",
        ),
    )
    project = plain.project(tested)
    options = Options(replicas=(1, 2), quick=True, rounds=3)
    chosen = registry.choose("auto", results, tested)
    plan = make_plan(options, chosen.machine, backend=chosen.backend.name, seed=1, project=project)
    request = pipeline.Request(plan=plan, chosen=chosen, results=results, command="twofold run")
    result, _ = pipeline.run(request, Silent())
    return result


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.usefixtures("short_windows")
def test_a_deployment_that_doubles_is_seen_to_and_gets_its_number_back(
    web: Web, tmp_path: Path
) -> None:
    result = measured(web, tmp_path, scale="f.write_text(sys.argv[1])")

    assert web.number.read_text() == "3"
    # On a machine that is shared, a rule about the machine may be broken.
    assert result.verdict in {Verdict.SCALES, Verdict.INCONCLUSIVE, Verdict.INVALID}, result.reason
    (doubling,) = result.doublings
    assert doubling.factor.estimate == pytest.approx(2.0, rel=0.15)
    states = {finding.code: finding.state for finding in result.findings}
    assert states[RuleCode.REPLICA_SHARE] is RuleState.HOLDS
    assert states[RuleCode.BUDGET] is RuleState.UNCHECKED
    assert states[RuleCode.IDENTITY] is RuleState.HOLDS


@pytest.mark.slow
@pytest.mark.parallel
def test_a_number_that_changes_under_load_is_never_measured_as_if_it_were_the_planned_one(
    web: Web, tmp_path: Path
) -> None:
    def autoscaler() -> None:
        """Scale up in a window of two replicas: the calibration asks one alone, however long."""
        since = None
        for _ in range(3000):
            time.sleep(0.1)
            if web.number.read_text() == "2":
                turn = next(web.turn)
                since = turn if since is None else since
                if turn - since > 100:
                    web.number.write_text("4")
                    return

    threading.Thread(target=autoscaler, daemon=True).start()

    result = measured(web, tmp_path, scale="f.write_text(sys.argv[1])")

    assert result.verdict is Verdict.INVALID
    assert RuleCode.IDENTITY in {finding.code for finding in result.broken}
