"""Stores that answer, answer late, or refuse."""

from __future__ import annotations

import pytest

from loadtests.environments.shared.asked_stores import AskedStores
from loadtests.environments.shared.looks import SharedLooks
from loadtests.environments.shared.stores import STORES, program_of
from loadtests.model.errors import ProcessFailure
from loadtests.tools.stores import StoreProgram

MYSQL = program_of(["mysqld"])
REFUSED = "ERROR 1045 (28000): Access denied for user 'root'@'localhost'"


class Answers:
    """Answers in turn; an exception is raised. ``limits_s`` are those that it got."""

    def __init__(self, *answers: str | Exception) -> None:
        self._answers = list(answers)
        self.limits_s: list[float] = []

    def __call__(self, member: str, program: StoreProgram, *, limit_s: float) -> str:
        self.limits_s.append(limit_s)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def looked(answers: Answers, times: int) -> AskedStores:
    assert MYSQL is not None
    stores = AskedStores(answers)
    for _ in range(times):
        stores.look("db", MYSQL, {})
    return stores


def answer(refused: int = 0, deadlocks: int = 0) -> str:
    return (
        f"most\t20\nConnection_errors_max_connections\t{refused}\ndeadlocks\t{deadlocks}\n"
        "session\t10.0.0.1:5\tSleep\t\t\t\n"
    )


def test_only_the_first_answer_may_take_long() -> None:
    answers = Answers(answer(), answer(), answer())

    looked(answers, 3)

    assert answers.limits_s[0] >= 5
    assert max(answers.limits_s[1:]) < 1


def test_what_was_refused_before_the_run_is_not_counted() -> None:
    stores = looked(Answers(answer(3, 1), answer(3, 1), answer(10, 3)), 3)

    assert stores.notes() == (
        "db (MySQL), which accepts 20, refused 7 connections.",
        "db (MySQL) found 2 deadlocks.",
    )


def test_nothing_refused_is_nothing_said() -> None:
    assert looked(Answers(answer(3, 1), answer(3, 1)), 2).notes() == ()


def test_a_store_that_refuses_is_unchecked_with_its_own_words_and_left_alone() -> None:
    answers = Answers(*[ProcessFailure(REFUSED)] * 3)

    stores = looked(answers, 10)

    assert len(answers.limits_s) == 3
    assert stores.notes() == (f"Not checked: the connections and locks of db (MySQL): {REFUSED}.",)


def test_a_late_answer_leaves_one_look_out() -> None:
    late = ProcessFailure("its client did not answer in 0.4 s")

    assert looked(Answers(answer(), late, late, answer(), late, late, answer()), 7).notes() == ()


@pytest.mark.parametrize(
    ("command", "name"), [("mysqld", "MySQL"), ("redis-server *:6379", "Redis"), ("mongod", None)]
)
def test_a_store_is_known_by_its_processes(command: str, name: str | None) -> None:
    program = program_of([command])

    assert (program.name if program else None) == name


def test_a_look_has_the_sessions_of_every_store_that_answers() -> None:
    def ask(member: str, program: StoreProgram, *, limit_s: float) -> str:
        return {"db": answer(), "cache": "id=1 addr=10.0.0.1:5 cmd=get\nmaxclients\n50\n"}[member]

    looks = SharedLooks(ask_store=ask)
    use = looks.look(
        stores={"db": ["mysqld"], "cache": ["redis-server *:6379"], "search": ["java"]},
        addresses={"10.0.0.1": "web-1"},
        replicas={},
    )

    assert [(s.member, s.by_replica, s.most) for s in use.sessions] == [
        ("db", {"web-1": 1}, 20),
        ("cache", {"web-1": 1}, 50),
    ]
    assert looks.notes() == ()


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.name)
def test_a_question_is_one_line(store: StoreProgram) -> None:
    assert "\n" not in store.question
