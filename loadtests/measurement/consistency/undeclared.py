"""The checks that need no declaration: the requests of the load, asked of each server directly."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from loadtests.analysis.consistency import conversation, files, form_tokens
from loadtests.analysis.consistency.conversation import Conversation
from loadtests.analysis.consistency.judgement import Asked
from loadtests.environments.protocol import Grows, KeepsFiles, Stack
from loadtests.measurement.consistency import lost_session, own_words, second_login
from loadtests.measurement.consistency.client import Client, Deadline
from loadtests.measurement.consistency.examination import Examination
from loadtests.measurement.consistency.further_server import CONTROL_LIMIT_S, FurtherServer, Start
from loadtests.measurement.generator_client import Agent
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState
from loadtests.model.plan import Plan
from loadtests.model.stack import Replica
from loadtests.model.tested.workload import RequestSpec
from loadtests.tools import proc

LIMIT_S = 20.0
"""How long all checks of a run may take, in seconds. What a variant takes beyond its share is
added, so that the others keep theirs: at most as much again where it only seems to break."""

MOST_SERVERS = 4
"""Replicas of a worker model that are asked."""

FILES_LIMIT_S = 3.0
BREAKING_FILES_LIMIT_S = 25.0
"""How long listing the files of a server may take: longer where one may be at fault."""

Seen = Mapping[str, Sequence[RequestSpec]]
"""The requests that the check trial of each workload showed."""


def unreachable(plan: Plan) -> tuple[ProbeResult, ...]:
    """Return that nothing could be asked, because the servers have no address of their own."""
    return tuple(
        Asked(worker=worker.name, workload=workload.name).result(
            ProbeKind.ANSWER,
            workload.name,
            ProbeState.UNCHECKED,
            "The servers behind this address cannot be asked one by one.",
        )
        for workload in plan.workloads
        for worker in plan.workers
    )


class FilesWritten(Protocol):
    """Returns the files of a server; None where they are not known in time."""

    def __call__(self, member: str, *, limit_s: float) -> Sequence[str] | None:
        """Return the paths."""


@dataclass(frozen=True, kw_only=True)
class Means:
    """What a stack can do for the checks; None where it cannot.

    ``files_written`` returns the files of a replica. ``files_are_shared`` says whether all replicas
    see the same. ``further_replica`` starts one more of a worker model; ``no_start`` says why there
    is none, where that is worth a line.
    """

    files_written: FilesWritten | None = None
    files_are_shared: bool = False
    further_replica: Start | None = None
    no_start: str = ""


NO_MEANS = Means()


def means_of(stack: Stack) -> Means:
    """Return what a stack can do for the checks."""
    keeps = stack if isinstance(stack, KeepsFiles) else None
    grows = stack if isinstance(stack, Grows) else None
    return Means(
        files_written=None if keeps is None else keeps.files_written,
        files_are_shared=keeps is not None and keeps.files_are_shared,
        further_replica=None if grows is None else grows.further_replica,
    )


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Some servers, and what one client asks of them.

    ``addresses`` maps their names to ``ip:port``. ``processes`` is the number of processes of each;
    None where it is not known. ``seed`` draws what is asked. What only writes send is drawn for
    each ``version`` anew: two may share a store, and register the same name there.
    """

    asked: Asked
    talk: Conversation
    addresses: Mapping[str, str]
    processes: int | None
    seed: str
    version: str = ""


class Undeclared:
    """Asks the replicas of each worker model what users ask; ``host`` is the header ``Host``."""

    def __init__(
        self, agent: Agent, replicas: Sequence[Replica], host: str, means: Means = NO_MEANS
    ) -> None:
        self._agent = agent
        self._replicas = replicas
        self._host = host
        self._means = means
        self._further = FurtherServer(agent, means.further_replica, means.no_start)

    def check(self, plan: Plan, seen: Seen, *, limit_s: float = LIMIT_S) -> tuple[ProbeResult, ...]:
        """Return the results of each worker model and workload, in about ``limit_s`` seconds.

        What is left out then is unchecked. One that takes longer than its share takes nothing from
        the others: by at most ``limit_s`` where nothing breaks after all.
        """
        pairs = [(worker, workload) for workload in plan.workloads for worker in plan.workers]
        end_s = proc.monotonic_s() + limit_s
        results: list[ProbeResult] = []
        for number, (worker, workload) in enumerate(pairs):
            now_s = proc.monotonic_s()
            share_s = (end_s - now_s) / (len(pairs) - number)
            subject = Subject(
                asked=Asked(worker=worker.name, workload=workload.name),
                talk=conversation.conversation_of(workload, seen.get(workload.name, ())),
                addresses={
                    replica.name: replica.address
                    for replica in self._replicas
                    if replica.worker == worker.name
                },
                processes=None if worker.as_started else worker.processes,
                seed=f"{plan.seed}/{worker.name}/{workload.name}",
            )
            found = self.examine(
                subject, until_s=now_s + share_s, end_s=end_s, confirm_until_s=now_s + limit_s
            )
            longer_s = max(0.0, proc.monotonic_s() - now_s - share_s)
            is_broken = any(result.state is ProbeState.BREAKS for result in found)
            end_s += longer_s if is_broken else min(limit_s, longer_s)  # the others keep theirs
            results += found
        return tuple(results)

    def examine(
        self,
        subject: Subject,
        *,
        until_s: float,
        end_s: float | None = None,
        confirm_until_s: float = -math.inf,
    ) -> tuple[ProbeResult, ...]:
        """Return the results of some servers; nothing is asked after ``until_s``.

        A further server may take a little longer, but not beyond ``end_s``. What seems to break may
        take until ``confirm_until_s``: as long as if these were the only servers.
        """
        examination = self._examination(subject, until_s)
        examination.confirm_until_s = confirm_until_s

        def again(elapsed_s: float) -> Examination:
            control_s = proc.monotonic_s() + elapsed_s + CONTROL_LIMIT_S
            return self._examination(replace(subject, seed=f"{subject.seed}/again"), control_s)

        with own_words.put_back_at_the_end(examination.put_back):
            results = examination.run()
            # What was asked beyond the share moves the end, as it does for the next ones.
            longer_s = max(0.0, proc.monotonic_s() - until_s)
            start_end_s = until_s if end_s is None else end_s + longer_s
            started = self._further.check(examination, again, start_end_s)
        found = lost_session.judged(examination, (*results, *started))
        return self._with_files(examination, (*found, *second_login.results(examination, found)))

    def _examination(self, subject: Subject, until_s: float) -> Examination:
        deadline = Deadline(until_s)
        return Examination(
            client=Client(
                self._agent,
                subject.addresses,
                self._host,
                deadline,
                pages=form_tokens.pages_of(subject.talk),
            ),
            asked=subject.asked,
            talk=subject.talk,
            servers=tuple(subject.addresses)[:MOST_SERVERS],
            processes=subject.processes,
            rng=random.Random(subject.seed),
            write_rng=random.Random(f"{subject.seed}/writes/{subject.version}"),
            deadline=deadline,
        )

    def _with_files(
        self, examination: Examination, results: Sequence[ProbeResult]
    ) -> tuple[ProbeResult, ...]:
        """Return the results with the files that each server wrote for itself."""
        breaks = any(result.state is ProbeState.BREAKS for result in results)
        if self._means.files_written is None or (examination.is_over() and not breaks):
            return tuple(results)
        in_time_s = min(FILES_LIMIT_S, examination.deadline.left_s())
        limit_s = BREAKING_FILES_LIMIT_S if breaks else in_time_s
        written = {
            server: paths
            for server in examination.servers[:2]
            if (paths := self._means.files_written(server, limit_s=limit_s)) is not None
        }
        shared = self._means.files_are_shared
        note = files.note(examination.asked, written, shared=shared)
        named = tuple(results) if shared else files.named_in(results, written)
        return (*named, *([note] if note is not None else []))
