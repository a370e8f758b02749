"""Checks through the proxy whether the replicas of a worker model give consistent answers."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from loadtests.analysis.consistency import declared
from loadtests.analysis.consistency.conversation import NO_HEADERS, merged_headers
from loadtests.analysis.consistency.judgement import TIME_OVER
from loadtests.measurement.consistency.client import LEFT_OUT, header_of, joined
from loadtests.measurement.generator_client import Agent
from loadtests.model.consistency import (
    Check,
    CheckKind,
    ProbeRecord,
    ProbeResult,
    ProbeState,
    Seen,
    Step,
)
from loadtests.model.generator_records import Answer, Ask
from loadtests.model.plan import Plan, Upstream
from loadtests.tools import proc

TIMES_EACH = 8
"""Requests per replica in each step: twice its number of processes, all at once, so that several
processes answer."""

MORE_EACH = 4 * TIMES_EACH
"""The same for reads that are tried again because nobody met what was written. One process of a
replica may answer eight requests before the kernel lets another one have a turn."""

LIMIT_S = 30.0
"""Timeout of a step in seconds; a replica with a tenth of a CPU answers about 50 requests a
second."""

SHORTEST_S = 0.1
"""Timeout of a step for which no time is left."""

CONFIRM_S = 3.0
"""Seconds of the whole limit that are kept for checks that broke, to be tried again."""

TRIES = 3
"""Tries of a check that no replica met."""

LEAST_REPLICAS = 2

NOT_SENT = LEFT_OUT - {"host"}
"""Headers of a load that are not sent; its host is, for all requests go to one address."""

REPLICA_HEADER = "X-Upstream-Addr"
"""The header in which our proxy names the replica that answered."""


Serve = Callable[[Upstream], Mapping[str, str]]
"""Lets the members of an upstream serve, and returns their names by what answers say of them."""


class Prober:
    """Sends checks to the replicas behind the proxy; ``base_url`` returns a port's address.

    ``header`` is the one of an answer that names the replica, which ``names`` has. All checks of
    :meth:`probe` together take at most ``limit_s`` seconds; those left out are unchecked.
    Before the checks of an upstream, ``serve`` lets it serve. Each request has ``headers``, below
    its own.
    """

    def __init__(
        self,
        agent: Agent,
        names: Mapping[str, str],
        base_url: Callable[[int], str],
        *,
        header: str = REPLICA_HEADER,
        limit_s: float = math.inf,
        serve: Serve | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        self._serve = serve
        self._headers = headers
        self._limit_s = limit_s
        self._until_s = math.inf
        self._header = header.lower()
        self._agent = agent
        self._names = names
        self._base_url = base_url

    def probe(self, plan: Plan, checks: Sequence[Check]) -> tuple[ProbeResult, ...]:
        """Return all checks' results for each worker model with at least two replicas."""
        self._until_s = proc.monotonic_s() + self._limit_s
        try:
            results: list[ProbeResult] = []
            for upstream in widest(plan) if checks else ():
                self._make_serve(upstream)
                results += [self._tried(check, upstream) for check in checks]
            return tuple(results)
        finally:
            self._until_s = math.inf

    def _make_serve(self, upstream: Upstream) -> None:
        """Let an upstream serve; how long that takes is none of the checks' time."""
        if self._serve is not None:
            began_s = proc.monotonic_s()
            self._names = self._serve(upstream)
            self._until_s += proc.monotonic_s() - began_s

    def _left_s(self) -> float:
        return self._until_s - proc.monotonic_s()

    def _tried(self, check: Check, upstream: Upstream) -> ProbeResult:
        """Return the result of a check, tried as often as it says, and again where it failed.

        What broke is only read again where a second write would hide it.
        """
        tries: list[ProbeResult] = []
        record: ProbeRecord | None = None
        while len(tries) < check.times or _broke_once(tries) or _met_by_nobody(tries):
            if self._left_s() < (SHORTEST_S if _broke_once(tries) else CONFIRM_S):
                break
            broke = bool(tries) and tries[-1].state is ProbeState.BREAKS
            if record is None or not broke or declared.tells_writes_apart(check):
                record = self.ask(
                    check,
                    worker=upstream.worker,
                    replicas=tuple(f"{upstream.worker}-{number}" for number in upstream.members),
                    port=upstream.port,
                    reads_each=MORE_EACH if _met_by_nobody(tries) else TIMES_EACH,
                )
            else:
                record = self.read_again(record, port=upstream.port)
            tries.append(declared.judge(record))
        if _broke_once(tries):
            detail = f"There was no time to try again what broke: {tries[0].detail}"
            return replace(tries[0], state=ProbeState.NOTE, detail=detail)
        return declared.combined(tries, check.times) if tries else _not_made(check, upstream)

    def ask(
        self,
        check: Check,
        *,
        worker: str,
        replicas: tuple[str, ...],
        port: int,
        reads_each: int = TIMES_EACH,
    ) -> ProbeRecord:
        """Run one check on the replicas behind a port, and return their answers."""
        token = f"probe{secrets.token_hex(6)}"
        ask = self._asker(port, token)
        everyone = TIMES_EACH * len(replicas)
        record = ProbeRecord(worker=worker, replicas=replicas, check=check, token=token)
        if check.kind is CheckKind.COUNT:
            record = replace(record, before=self._seen(ask(check.read, 1)[0]))
        # After a refused request the other steps are pointless, and without answers they take long.
        if declared.refused(record) is not None:
            return record
        writes = ask(check.write, everyone if check.kind is CheckKind.COUNT else 1)
        record = replace(record, writes=tuple(map(self._seen, writes)), cookies=writes[0].cookies)
        if declared.refused(record) is not None:
            return record
        return self.read_again(record, port=port, reads_each=reads_each)

    def read_again(
        self, record: ProbeRecord, *, port: int, reads_each: int = TIMES_EACH
    ) -> ProbeRecord:
        """Read on all replicas what a check wrote, and return the record with these answers."""
        ask = self._asker(port, record.token)
        reads = ask(record.check.read, reads_each * len(record.replicas), record.cookies)
        return replace(record, reads=tuple(map(self._seen, reads)))

    def _asker(self, port: int, token: str) -> Callable[..., tuple[Answer, ...]]:
        base_url = self._base_url(port)

        def ask(step: Step, times: int, cookies: str = "") -> tuple[Answer, ...]:
            request = Ask(
                url=base_url + declared.filled(step.path, token),
                method=step.method,
                headers=self._headers_of(step, token, cookies),
                body=declared.filled(step.body, token),
            )
            timeout_s = max(SHORTEST_S, min(LIMIT_S, self._left_s()))
            return self._agent.ask([request] * times, timeout_s=timeout_s)

        return ask

    def _headers_of(self, step: Step, token: str, cookies: str) -> dict[str, str]:
        """Return the headers of a step, with those of the load below its own."""
        own = {name: declared.filled(text, token) for name, text in step.headers.items()}
        merged = merged_headers(own, self._headers)
        sent = joined(header_of(merged, "cookie"), cookies)
        headers = {name: text for name, text in merged.items() if name.lower() not in NOT_SENT}
        return {**headers, **({"Cookie": sent} if sent else {})}

    def _seen(self, answer: Answer) -> Seen:
        address = answer.headers.get(self._header)
        return Seen(
            replica=self._names.get(address, address) if address else None,
            status=answer.status,
            body=answer.body,
            error=answer.error,
        )


def _broke_once(tries: Sequence[ProbeResult]) -> bool:
    return [one.state for one in tries] == [ProbeState.BREAKS]


def _met_by_nobody(tries: Sequence[ProbeResult]) -> bool:
    """Return whether a check that nobody met is tried again.

    Of several processes, the one that was written to may not have been asked.
    """
    return 0 < len(tries) < TRIES and all(map(declared.was_met_by_nobody, tries))


def _not_made(check: Check, upstream: Upstream) -> ProbeResult:
    """Return that no time was left for a check."""
    return ProbeResult(
        worker=upstream.worker,
        check=check.name,
        state=ProbeState.UNCHECKED,
        write=f"{check.write.method} {check.write.path}",
        read=f"{check.read.method} {check.read.path}",
        written_by=None,
        detail=f"{check.name} was not checked: {TIME_OVER}.",
    )


def widest(plan: Plan) -> tuple[Upstream, ...]:
    """Return each worker model's port with the most replicas, if it has at least two."""
    upstreams = []
    for worker in plan.workers:
        largest = max(
            (upstream for upstream in plan.upstreams if upstream.worker == worker.name),
            key=lambda upstream: len(upstream.members),
        )
        if len(largest.members) >= LEAST_REPLICAS:
            upstreams.append(largest)
    return tuple(upstreams)
