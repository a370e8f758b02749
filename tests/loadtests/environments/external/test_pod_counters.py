import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from loadtests.environments.external import pod_counters
from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import proc
from loadtests.tools.kubectl import Access, Pod

Answers = Mapping[tuple[str, str], str | Exception]

NO_CAT = 'exec: "cat": executable file not found in $PATH'


def a_pod(name: str, **limits: float | None) -> Pod:
    return Pod(
        name=name,
        uid="u",
        node="n",
        phase="Running",
        ready=True,
        restarts=0,
        cpu_limits=limits or {"web": None},
    )


def used(seconds: float, throttled_s: float = 0.0) -> str:
    return f"usage_usec {seconds * 1e6:.0f}\nthrottled_usec {throttled_s * 1e6:.0f}\n"


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Answer by pod and container, with what is printed or (as an error) said."""

    def install(answers: Answers, *, pause_s: float = 0.0) -> None:
        def run(words: Sequence[str], **_: Any) -> proc.Completed:
            time.sleep(pause_s)
            pod, container = words[words.index("exec") + 1], words[words.index("--container") + 1]
            found = answers[pod, container]
            said = str(found) if isinstance(found, Exception) else ""
            return proc.Completed(
                argv=tuple(words), code=1, stdout="" if said else str(found), stderr=said
            )

        monkeypatch.setattr(proc, "run", run)

    return install


def words_of(*pods: Pod, say: Callable[[str], None] = print) -> list[dict[str, str]]:
    found = []
    for line in pod_counters.lines(Access(), pods, say):
        name, cpu_s, *more = line.split()
        named = dict(word.split("=") for word in more if "=" in word)
        found.append({"name": name, "cpu": cpu_s, **named})
    return found


def test_all_containers_of_a_pod_count_with_their_limits(answer: Any) -> None:
    answer({("web-1", "web"): used(1.5), ("web-1", "proxy"): used(0.25)})

    (found,) = words_of(a_pod("web-1", web=0.5, proxy=0.1))

    assert (found["cpu"], found["limit"]) == ("1.750000", "0.6")


def test_without_a_limit_of_each_container_the_pod_has_none(answer: Any) -> None:
    answer({("web-1", "web"): used(1.5), ("web-1", "proxy"): used(0.25)})

    (found,) = words_of(a_pod("web-1", web=0.5, proxy=None))

    assert "limit" not in found


def test_a_pod_with_a_container_that_cannot_be_read_has_no_line_and_is_named(answer: Any) -> None:
    """Else the proxy beside an application without cat would be taken for the pod."""
    said: list[str] = []
    answer(
        {
            ("web-1", "web"): ValueError(NO_CAT),
            ("web-1", "proxy"): used(0.1),
            ("web-2", "web"): used(1.5),
        }
    )

    found = words_of(a_pod("web-1", web=0.5, proxy=0.1), a_pod("web-2"), say=said.append)

    assert [pod["name"] for pod in found] == ["web-2"]
    assert len(said) == 1
    assert said[0].startswith("web-1: its container web has no program cat")


def test_a_pod_of_one_container_without_cat_is_left_out_and_named(answer: Any) -> None:
    """A distroless image."""
    said: list[str] = []
    answer({("web-1", "web"): ValueError(NO_CAT)})

    assert words_of(a_pod("web-1"), say=said.append) == []
    assert said[0].startswith("web-1: its container web has no program cat")


@pytest.mark.parametrize(
    "said",
    ['Error from server (NotFound): pods "web-1" not found', "error: container not running (x)"],
)
def test_a_pod_that_ended_meanwhile_is_left_out(answer: Any, said: str) -> None:
    answer({("web-1", "web"): ValueError(said), ("web-2", "web"): used(2.0)})

    assert [each["name"] for each in words_of(a_pod("web-1"), a_pod("web-2"))] == ["web-2"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Error from server (Forbidden): pods is forbidden", "permission"),
    ],
)
def test_counters_that_cannot_be_read_are_told(answer: Any, said: str, told: str) -> None:
    answer({("web-1", "web"): ValueError(said)})

    with pytest.raises(EnvironmentFailure, match=rf"web-1 cannot be read.*{told}.*'counters' out"):
        words_of(a_pod("web-1"))


def test_pods_are_read_at_the_same_time_each_with_its_own(answer: Any) -> None:
    answer({(f"web-{number}", "web"): used(1.0) for number in range(8)}, pause_s=0.2)
    began_s = time.time()

    found = words_of(*(a_pod(f"web-{number}") for number in range(8)))

    assert time.time() - began_s < 1.0
    assert all(0.2 <= float(each["took"]) < 1.0 for each in found)
    assert all(began_s < float(each["at"]) < time.time() for each in found)
