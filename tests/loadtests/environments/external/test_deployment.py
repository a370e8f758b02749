import sys
from pathlib import Path

import pytest

from loadtests.environments.external import deployment, watchdog
from loadtests.environments.external.deployment import put_back
from loadtests.environments.external.hooks import scale_argv
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.tested.external import Hooks


@pytest.fixture(autouse=True)
def _soon_stable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "STABLE_S", 0.2)


class FileDeployment:
    """A deployment whose number of replicas is in a file; ``after`` runs once it is scaled."""

    def __init__(self, folder: Path, *, replicas: int, after: str = "") -> None:
        self.file = folder / "count"
        self.calls = folder / "calls"
        self.file.write_text(str(replicas))
        head = f"from pathlib import Path; f = Path({str(self.file)!r}); n = f.read_text();"
        scale = (
            f"import sys; {head} c = Path({str(self.calls)!r});"
            " c.write_text((c.read_text() if c.exists() else '') + sys.argv[1] + ' ');"
            f" f.write_text(sys.argv[1]); n = sys.argv[1]; {after}"
        )
        names = f"{head} print(*(f'web-{{i}}' for i in range(1, 1 + int(n))), sep='\\n')"
        self.hooks = Hooks(
            scale=(sys.executable, "-I", "-S", "-c", scale, "{replicas}"),
            replicas=(sys.executable, "-I", "-S", "-c", names),
            ready_limit_s=2.0,
        )

    @property
    def count(self) -> int:
        return int(self.file.read_text())


def test_the_number_is_put_back_as_it_was(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=3)
    said: list[str] = []

    with put_back(web.hooks, said.append) as running:
        seen = []
        for count in (1, 4):
            running.scale_to(count)
            seen.append(running.names)

    assert seen == [("web-1",), ("web-1", "web-2", "web-3", "web-4")]

    assert web.count == 3
    assert said == [
        "Scaling the deployment to 1",
        "Scaling the deployment to 4",
        "Scaling the deployment back to 3",
    ]


@pytest.mark.parametrize("error", [RuntimeError("a defect"), KeyboardInterrupt()])
def test_the_number_is_put_back_after_every_failure(tmp_path: Path, error: BaseException) -> None:
    web = FileDeployment(tmp_path, replicas=2)

    def fails() -> None:
        with put_back(web.hooks, print) as running:
            running.scale_to(4)
            raise error

    with pytest.raises(type(error)):
        fails()

    assert web.count == 2


def test_a_number_that_is_there_already_is_not_asked_for_again(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=2)

    with put_back(web.hooks, print) as running:
        running.scale_to(2)
        running.scale_to(2)

    assert web.calls.read_text() == "2 2 "


def test_a_deployment_that_never_gets_its_number_says_what_it_has(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=2, after="f.write_text('3')")

    with (
        pytest.raises(EnvironmentFailure, match=r"did not have 4 ready.*now prints 3 \(web-1, "),
        put_back(web.hooks, print) as running,
    ):
        running.scale_to(4)


def test_somebody_else_who_scales_is_told_with_the_moment(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=2)

    with put_back(web.hooks, print) as running:
        running.scale_to(2)
        assert running.change() is None
        web.file.write_text("3")
        change = running.change()
        web.file.write_text("2")
        assert running.change() == change
        running.scale_to(2)
        assert running.change() is None

    assert change is not None
    assert change.startswith("from 2 to 3 replicas at ")


def test_a_number_that_cannot_be_put_back_ends_with_the_command_for_it(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=2, after="sys.exit('no permission') if n == '2' else 0")

    with (
        pytest.raises(EnvironmentFailure, match=r"could not be scaled back to 2.*by hand: .* 2$"),
        put_back(web.hooks, print) as running,
    ):
        running.scale_to(1)


# -- a harness that is killed ------------------------------------------------------------------


def test_a_watchdog_puts_the_number_back_where_the_harness_could_not(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=3)
    argv = scale_argv(web.hooks, 3)
    web.file.write_text("1")

    with watchdog.guard(argv, limit_s=10.0, log=tmp_path / "logs/watchdog.log") as guard:
        pass  # nobody notes that it was done

    ended = guard._child._process.wait(20.0)
    assert (web.count, ended) == (3, 0)


def test_a_watchdog_does_nothing_where_the_number_was_put_back(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=3)

    with put_back(web.hooks, lambda _: None, log=tmp_path / "logs/watchdog.log") as running:
        running.scale_to(1)

    assert web.calls.read_text() == "1 3 "
    assert (tmp_path / "logs/watchdog.log").read_text() == ""
