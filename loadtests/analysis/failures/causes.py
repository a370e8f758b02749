"""Why requests failed, by an example of their answers, and what to do. PURE."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from loadtests.analysis import remedies
from loadtests.analysis.failures import kinds
from loadtests.analysis.failures.counting import all_kinds, kind_of
from loadtests.analysis.shared import connections, logins
from loadtests.analysis.shared.statuses import FIRST_ERROR_STATUS, REFUSED
from loadtests.model.failures import AnswerExample, FailureResult, FailureShape
from loadtests.model.trial import Trial


def with_cause(
    result: FailureResult, trials: Sequence[Trial], *, loses_sessions: bool = False
) -> FailureResult:
    """Return a result with a wrong answer, its cause and what to do.

    The cause may say that the failures have another shape: a limit is no break, the proxy's or the
    application's own, and the want of connections is one. What is too slow for the load itself
    needs no cause. ``loses_sessions`` says that users may share accounts, of which a second login
    was seen to end the first session at one server.
    """
    if result.shape is FailureShape.TOO_SLOW:
        return replace(result, remedy=remedies.TOO_SLOW)
    known = _by_the_proxy(_with_examples(result, trials))
    known = _by_connections(_by_its_own_limit(known), trials)
    return _by_second_logins(known) if loses_sessions else known


def _with_examples(result: FailureResult, trials: Sequence[Trial]) -> FailureResult:
    """Return the result with an answer that was right and one that was not, if there are any."""
    own = [
        (trial.spec.cell.replicas, example)
        for trial in trials
        if (trial.spec.cell.worker, trial.spec.cell.workload) == (result.worker, result.workload)
        for example in trial.examples
        if result.name in {None, example.name}
    ]
    wrong = [example for count, example in own if _is_of(example, result) and _fits(result, count)]
    chosen = _most_telling(result, wrong)
    right = [
        example
        for _, example in sorted(own, key=lambda pair: pair[0])
        if not _is_of(example, result) and (chosen is None or example.name == chosen.name)
    ]
    known = _remedy(result, chosen)
    return replace(
        result,
        wrong=chosen,
        right=right[0] if right and chosen is not None else None,
        cause=known.cause + _figures(known, result, trials) if known else "",
        remedy=known.advice if known else "",
    )


def _most_telling(result: FailureResult, wrong: Sequence[AnswerExample]) -> AnswerExample | None:
    """Return the failure that explains most: where something breaks, one that counts for that.

    Of these, one of the commonest kind; then a page of the application before one of the proxy; and
    then one with a line of the log.
    """
    found = list(all_kinds(result.counts))

    def rank(example: AnswerExample) -> tuple[int, bool, bool]:
        kind = _kind_of(example)
        order = found.index(kind) if kind in found else len(found)
        by_proxy = kind == kinds.PROXY_FAILURE_KIND and is_of_the_proxy(example)
        return (order if result.breaks_at else 0), by_proxy, example.log_line is None

    counting = [
        example
        for example in wrong
        if not result.breaks_at or kinds.is_of_the_application(_kind_of(example))
    ]
    return min(counting, key=rank, default=None)


def _kind_of(example: AnswerExample) -> str:
    """Return the kind of an example; a good answer is one where its status is the failure."""
    outcome = "status" if example.outcome == "ok" else example.outcome
    return kind_of(outcome, example.status or 0)


def _by_the_proxy(result: FailureResult) -> FailureResult:
    """Return failures that a proxy answered by itself, as a limit or for want of connections.

    These are no break. Most of the failures that could be the application's have to be of that
    kind. A replica may have an nginx of its own, whose page for another status is the application's
    answer. A page with status 500 is excused only by the line of the log: nginx also writes it
    where the application's answer to its own question (``auth_request``) is at fault.
    """
    wrong = result.wrong
    if not result.breaks_at or wrong is None or not is_of_the_proxy(wrong):
        return result
    kind = _kind_of(wrong)
    if not _are_mostly({kind}, result):
        return result
    known = remedies.PROXY_LIMIT
    if remedies.PROXY_CONNECTIONS.words.search(wrong.log_line or ""):
        known = remedies.PROXY_CONNECTIONS
    elif kind == kinds.PROXY_FAILURE_KIND:
        known = remedies.PROXY_FAILURE
        advised = replace(result, cause=known.cause, remedy=known.advice)
        return result if result.cause else advised
    return _excused(result, known, FailureShape.LIMITED)


def _by_its_own_limit(result: FailureResult) -> FailureResult:
    """Return failures that say that they limit the rate, whatever their status, as a limit.

    The answer itself has to say so, since a log may tell of a limiter that is not at fault. Most of
    the failures that could be the application's have to be of that kind. Not all limits answer with
    429: django-ratelimit has 403.
    """
    wrong = result.wrong
    if not result.breaks_at or wrong is None or (wrong.status or 0) < FIRST_ERROR_STATUS:
        return result
    if result.cause and not result.cause.startswith(remedies.LIMITER.cause):
        return result  # the log tells more, behind a friendly page
    if not remedies.says_limit(wrong.body_start):
        return result
    if not _are_mostly({_kind_of(wrong)}, result):
        return result
    return _excused(result, remedies.LIMITER, FailureShape.LIMITED)


def _by_second_logins(result: FailureResult) -> FailureResult:
    """Return refused users as those whose account another user has taken over, which is no break.

    Most of the failures that could be the application's have to be refusals.
    """
    wrong, found = result.wrong, {f"status {status}" for status in REFUSED}
    if wrong is not None and (wrong.status in REFUSED or logins.is_login(wrong.location or "")):
        found.add(_kind_of(wrong))
    is_told = result.shape in {FailureShape.NONE, FailureShape.LIMITED}
    if is_told or not found & {*all_kinds(result.counts)} or not _are_mostly(found, result):
        return result
    return _excused(result, remedies.SHARED_ACCOUNTS, FailureShape.SHARED_ACCOUNTS)


def _are_mostly(kinds_found: Collection[str], result: FailureResult) -> bool:
    """Return whether most of the failures that could be the application's are of some kinds."""
    found = all_kinds(result.counts)
    others = sum(count for name, count in found.items() if kinds.is_of_the_application(name))
    return sum(found.get(kind, 0) for kind in kinds_found) >= kinds.MOSTLY * others


def _excused(result: FailureResult, known: remedies.Remedy, shape: FailureShape) -> FailureResult:
    """Return failures of another shape, which are no break."""
    return replace(
        result,
        shape=shape,
        breaks_at=(),
        cause=known.cause,
        remedy=known.advice,
    )


def is_of_the_proxy(example: AnswerExample) -> bool:
    """Return whether a failure is a page that an nginx in front of the replicas may have written.

    Of those with status 500, one that names a replica is of an nginx inside of it. One that names
    none may still be the application's, behind a proxy that names no replicas.
    """
    kind = _kind_of(example)
    if remedies.PROXY_LIMIT.words.search(example.body_start) is None:
        return False
    return kind == kinds.PROXY_LIMIT_KIND or (
        kind == kinds.PROXY_FAILURE_KIND and example.replica is None
    )


def _figures(known: remedies.Remedy, result: FailureResult, trials: Sequence[Trial]) -> str:
    """Return the figures of a cause that has some, as the end of its clause."""
    if known is not remedies.CONNECTIONS:
        return ""
    failing = [count.replicas for count in result.counts if count.failed]
    replicas = min(result.breaks_at or failing or [result.counts[-1].replicas])
    return connections.refused(_connections(result, trials), replicas)


def _connections(result: FailureResult, trials: Sequence[Trial]) -> connections.Connections | None:
    return connections.of([trial for trial in trials if trial.spec.cell.worker == result.worker])


def _by_connections(result: FailureResult, trials: Sequence[Trial]) -> FailureResult:
    """Return failures for want of connections as a break where the arithmetic says so.

    All replicas of a run are up at once, and pools keep what they opened. So a store may refuse
    with few replicas under load what only many of them want. Where one replica may want more than
    there are by itself, twice as many are at no fault.
    """
    known = _connections(result, trials)
    if known is None or not result.cause.startswith(remedies.CONNECTIONS.cause):
        return result
    beyond = tuple(c.replicas for c in result.counts if known.wanted(c.replicas) > known.most)
    if result.breaks_at or not beyond or len(beyond) == len(result.counts):
        return result
    if result.counts[0].failed and _may_want_all(known, trials, result.worker):
        return result
    return replace(
        result,
        shape=FailureShape.MORE_SERVERS,
        breaks_at=beyond,
        cause=remedies.CONNECTIONS.cause + connections.refused(known, min(beyond)),
    )


def _may_want_all(known: connections.Connections, trials: Sequence[Trial], worker: str) -> bool:
    """Return whether the fewest replicas may want more connections than the store has.

    What is seen of a replica is at most what the store gives, and looks miss the moment of the
    most. So refusals there are laid to idle replicas only if these keep as many as one wants.
    """
    own = [trial for trial in trials if trial.spec.cell.worker == worker]
    kept = connections.kept_by_idle(own, known.member)
    return known.per_replica >= known.most or kept < known.per_replica


def _is_of(example: AnswerExample, result: FailureResult) -> bool:
    """Return whether an answer is one of the failures, by its outcome or by its status."""
    found = all_kinds(result.counts)
    return example.outcome != "ok" or f"status {example.status}" in found


def _fits(result: FailureResult, count: int) -> bool:
    return not result.breaks_at or count in result.breaks_at


def _remedy(result: FailureResult, example: AnswerExample | None) -> remedies.Remedy | None:
    if result.shape is FailureShape.NONE:
        return None
    if result.shape is FailureShape.LIMITED:
        return remedies.LIMITER
    texts = [result.name or ""]
    if example is not None:
        texts = [example.log_line or "", example.body_start, example.location or "", example.name]
    known = remedies.remedy_for(*texts)
    if known is None and result.shape is FailureShape.MORE_SERVERS and _is_refusal(result, example):
        return remedies.SESSION
    return known


def _is_refusal(result: FailureResult, example: AnswerExample | None) -> bool:
    """Return whether the failures say that nobody is logged in."""
    refusals = {"status 401", "status 403", "status 302", "status 303"}
    found = all_kinds(result.counts)
    commonest = next(iter(found), "")
    redirects = example is not None and logins.is_login(example.location or "")
    return commonest in refusals or redirects
