import os
import signal
import sys
from pathlib import Path

import pytest

from loadtests.environments.child_python import PACKAGES, leave_python_path, python_path
from loadtests.environments.external.hooks import (
    Counter,
    HookRunner,
    back_argv,
    parse_counters,
    parse_replicas,
    pinned,
    scale_argv,
    with_own,
)
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.tested.external import Hooks
from loadtests.tools import kubectl, proc
from loadtests.tools.kubectl import Access
from tests.loadtests.clashing_folder import clashing
from tests.loadtests.tools.test_proc import is_gone


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", code)


def test_the_number_stands_in_every_word_of_the_scale_command() -> None:
    hooks = Hooks(scale=("kubectl", "scale", "--replicas={replicas}", "{replicas}", "{other}"))

    assert scale_argv(hooks, 4) == ("kubectl", "scale", "--replicas=4", "4", "{other}")


def test_names_are_one_a_line_in_any_order_without_blanks() -> None:
    assert list(parse_replicas("  web-2\n\nweb-1  \r\n")) == ["web-1", "web-2"]


def test_a_name_that_is_printed_twice_is_refused() -> None:
    with pytest.raises(EnvironmentFailure, match="'web-1' twice"):
        parse_replicas("web-1\nweb-2\nweb-1\n")


def test_counters_are_a_name_its_seconds_and_maybe_its_throttled_seconds() -> None:
    assert parse_counters("web-1 12.5\nweb-2 3 0.25\n") == (
        Counter(name="web-1", cpu_s=12.5),
        Counter(name="web-2", cpu_s=3.0, throttled_s=0.25),
    )


@pytest.mark.parametrize(
    "line",
    [
        "web-1",
        "web-1 many",
        "web-1 1 2 3",
        "web 1 x",
        "web-1 nan",
        "web-1 inf",
        "web-1 -1",
        "web-1 1 -0.5",
        "web-1 1 nan",
        "web-1 1 limit=nan",
        "web-1 1 took=-1",
    ],
)
def test_a_line_without_counters_is_refused_with_an_example(line: str) -> None:
    with pytest.raises(EnvironmentFailure, match=r"printed '.*web-1 12\.5 0\.3"):
        parse_counters(line)


def test_a_hook_that_fails_is_named_with_its_last_words() -> None:
    runner = HookRunner(Hooks(scale=python("import sys; sys.exit('You must be logged in')")))

    with pytest.raises(
        EnvironmentFailure, match=r"hook 'scale' .*code 1: You must be logged in\. Run it by hand"
    ):
        runner.scale(2)


def test_a_hook_that_hangs_is_ended_at_its_limit() -> None:
    runner = HookRunner(Hooks(replicas=python("import time; time.sleep(60)"), limit_s=0.3))

    with pytest.raises(EnvironmentFailure, match=r"hook 'replicas' failed.*0\.3 s"):
        runner.names()


def test_servers_that_the_hook_scale_starts_stay(tmp_path: Path) -> None:
    """Their output goes where the hook's goes, as in a script with ``gunicorn … &``."""
    note, sign = tmp_path / "pid", tmp_path / "sign"
    server = f"sleep 0.3; echo up; echo up >&2; touch {sign}; exec sleep 60"
    script = f"(echo $$; {server}) & echo $! > {note}"

    HookRunner(Hooks(scale=("sh", "-c", script))).scale(2)

    pid = int(note.read_text())
    try:
        proc.wait_until(sign.exists, limit_s=5.0, failure="the server was ended")
        assert not is_gone(pid)
    finally:
        os.kill(pid, signal.SIGKILL)


def test_a_hook_that_floods_is_no_trouble() -> None:
    flood = "import sys; sys.stderr.write('x' * 5_000_000); print('web-1')"

    assert HookRunner(Hooks(replicas=python(flood))).names() == ("web-1",)


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(EnvironmentFailure, match=r"hook 'replicas' failed.*no-such-program"):
        HookRunner(Hooks(replicas=("no-such-program",))).names()


PATH = "import os; print(os.environ.get('PYTHONPATH', 'none'))"


@pytest.mark.parametrize("of_user", [None, "/theirs"])
def test_a_hook_gets_the_python_path_of_the_user_and_not_our_packages(
    monkeypatch: pytest.MonkeyPatch, of_user: str | None
) -> None:
    """A hook in Python would import our packages instead of its own."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    if of_user is not None:
        monkeypatch.setenv("PYTHONPATH", of_user)

    assert HookRunner(Hooks(replicas=python(PATH))).names() == (of_user or "none",)


@pytest.mark.parametrize("of_user", ["", "/theirs", str(PACKAGES)])
def test_our_own_programs_take_our_packages_away_before_they_start_others(
    monkeypatch: pytest.MonkeyPatch, of_user: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", of_user)
    monkeypatch.setenv("PYTHONPATH", python_path()["PYTHONPATH"])

    leave_python_path()

    assert os.environ.get("PYTHONPATH", "") == of_user


def test_without_hooks_the_deployment_is_ready_and_has_no_counters() -> None:
    runner = HookRunner(Hooks())

    assert runner.is_ready()
    assert runner.counters() == ()


@pytest.mark.parametrize(("code", "ready"), [(0, True), (1, False)])
def test_ready_is_its_exit_code(code: int, *, ready: bool) -> None:
    assert HookRunner(Hooks(ready=python(f"raise SystemExit({code})"))).is_ready() is ready


def test_a_ready_hook_that_waits_beyond_its_limit_means_not_yet() -> None:
    runner = HookRunner(Hooks(ready=python("import time; time.sleep(60)"), limit_s=0.3))

    assert not runner.is_ready()
    assert runner.not_ready == "it did not end in 0.3 s"


def test_a_ready_hook_that_cannot_run_is_no_wait() -> None:
    with pytest.raises(EnvironmentFailure, match="no-such-program"):
        HookRunner(Hooks(ready=("no-such-program",))).is_ready()


def test_a_hook_that_reads_is_tried_once_more_and_one_that_scales_is_not(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    fails_once = python(
        f"from pathlib import Path; f = Path({str(calls)!r}); n = f.exists(); f.touch();"
        " import sys; print('web-1') if n else sys.exit('a hiccup')"
    )

    assert HookRunner(Hooks(replicas=fails_once)).names() == ("web-1",)
    calls.unlink()
    with pytest.raises(EnvironmentFailure, match="a hiccup"):
        HookRunner(Hooks(scale=fails_once)).scale(2)


def test_counters_may_tell_their_time_and_limit() -> None:
    assert parse_counters("web-1 12.5 at=1000.25 took=0.5 limit=0.5\n") == (
        Counter(name="web-1", cpu_s=12.5, at_s=1000.25, took_s=0.5, limit_cpus=0.5),
    )
    with pytest.raises(EnvironmentFailure, match=r"printed 'web-1 limit=0\.5'"):
        parse_counters("web-1 limit=0.5")


def test_our_own_program_imports_nothing_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clashing(tmp_path))

    done = proc.run(with_own(("twofold-kubernetes", "--help")), env=python_path())

    assert "KIND/NAME" in done.stdout


OWN = ("twofold-kubernetes", "scale", "deployment/web", "--replicas", "{replicas}")


def test_hooks_for_kubernetes_keep_the_cluster_that_there_is_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = Access(context="test", namespace="shop")
    monkeypatch.setattr(kubectl, "resolved", lambda _: now)
    elsewhere = ("kubectl", "--kubeconfig", "other", "get", "pods")

    found = pinned(
        Hooks(
            scale=OWN,
            replicas=("kubectl", "-n", "mine", "get", "pods"),
            ready=("./ready.sh",),
            counters=elsewhere,
            reset=("kubectl", "exec", "deployment/db", "--", "psql", "-c", "TRUNCATE notes"),
        )
    )

    assert found.scale == (*OWN, "--context", "test", "--namespace", "shop")
    assert found.replicas == ("kubectl", "-n", "mine", "get", "pods", "--context", "test")
    assert found.ready == ("./ready.sh",)
    assert found.reset[:7] == (
        *("kubectl", "exec", "deployment/db"),
        *("--context", "test", "--namespace", "shop"),
    )
    assert found.reset[7:] == ("--", "psql", "-c", "TRUNCATE notes")
    assert found.counters == elsewhere


@pytest.mark.parametrize(
    ("words", "pinned_words"),
    [
        (
            "kubectl argo rollouts status web",
            "kubectl argo rollouts status web --context test --namespace shop",
        ),
        ("kubectl get pods -nprod", "kubectl get pods -nprod --context test"),
        ("kubectl get pods -n=prod", "kubectl get pods -n=prod --context test"),
        ("kubectl argo list --namespace=x", "kubectl argo list --namespace=x --context test"),
        ("kubectl argo list --context x", "kubectl argo list --context x --namespace shop"),
        (
            "kubectl exec web -- head -n 1 -s",
            "kubectl exec web --context test --namespace shop -- head -n 1 -s",
        ),
    ],
)
def test_the_cluster_is_named_behind_the_words_for_plugins_of_kubectl(
    monkeypatch: pytest.MonkeyPatch, words: str, pinned_words: str
) -> None:
    """kubectl says "flags cannot be placed before plugin name"."""
    monkeypatch.setattr(kubectl, "resolved", lambda _: Access(context="test", namespace="shop"))

    assert " ".join(pinned(Hooks(ready=tuple(words.split()))).ready) == pinned_words


def test_hooks_that_name_their_cluster_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(_: Access) -> Access:
        raise AssertionError("kubectl was asked")

    monkeypatch.setattr(kubectl, "resolved", asked)
    hooks = Hooks(scale=(*OWN, "--context=mine", "--namespace", "shop"))

    assert pinned(hooks) == hooks


def test_what_is_put_back_leaves_alone_what_no_run_set() -> None:
    assert back_argv(Hooks(scale=OWN), 3, (4, 1))[-3:] == ("--back", "--ours", "1,4")
    assert back_argv(Hooks(scale=("./scale.sh", "{replicas}")), 3, (4, 1)) == ("./scale.sh", "3")
