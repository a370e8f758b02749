"""Good answers of another kind than the fewest replicas gave."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.model.failures import FailureShape, RequestOutcomes
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import Verdict
from tests.loadtests.analysis.failures.failing import (
    PER_REPLICA,
    PLAN,
    Fails,
    none,
    results,
    with_requests,
)
from tests.loadtests.analysis.failures.test_shape import concluded
from tests.loadtests.builders import make_trials


def redirecting(redirects: Fails, *, rate: float = 1.0, moved: Fails = none) -> tuple[Trial, ...]:
    """Give trials in which so many requests are answered with a redirect in place of a page.

    ``moved`` are those that say 301: the page is elsewhere.
    """

    def changed(trial: Trial) -> Trial:
        count = trial.spec.cell.replicas
        total = PER_REPLICA * count
        away = redirects(count)
        one = RequestOutcomes(
            name="GET /me",
            completed=total,
            failed=0,
            statuses={
                status: number
                for status, number in (
                    (200, total - away - moved(count)),
                    (301, moved(count)),
                    (302, away),
                )
                if number
            },
        )
        return replace(
            trial,
            requests=(one,),
            failed=0,
            completed=total,
            throughput_rps=trial.throughput_rps * (rate if away else 1.0),
            failures={},
            identities={"proxy": "the same"},
        )

    return tuple(changed(trial) for trial in make_trials(PLAN))


def test_a_redirect_that_one_replica_never_gave_is_a_failure_of_more() -> None:
    """Behind a deployment of somebody else's, nothing else asks. It makes throughput look good."""
    trials = redirecting(lambda count: 100 * count if count > 1 else 0, rate=1.6)

    (result,) = results(trials)
    run = concluded(trials)

    assert result.shape is FailureShape.MORE_SERVERS
    assert result.breaks_at == (2, 4)
    assert "status 302" in result.detail
    assert "SECRET_KEY" in result.remedy
    assert run.verdict is Verdict.BREAKS


def test_pages_that_moved_for_one_replica_do_not_hide_a_login_that_is_asked_for_with_two() -> None:
    trials = redirecting(
        lambda count: 95 * count if count > 1 else 0, moved=lambda count: 10 * count
    )

    (result,) = results(trials)

    assert (result.shape, result.breaks_at) == (FailureShape.MORE_SERVERS, (2, 4))
    # Beyond twice the share of 5 %: 170 of 400 requests in each window, and 340 of 800.
    assert "status 302 3,060" in result.detail
    assert "status 301" not in result.detail


@pytest.mark.parametrize(
    "redirects",
    [
        lambda count: 40 * count,  # the same share at any number
        lambda count: 1 if count == 4 else 0,  # now and then, too few to tell
        lambda count: 40 if count == 1 else 60 * count,  # more, by less than twice
        lambda count: 190 if count == 1 else 50 * count,  # pages in the place of redirects
    ],
)
def test_redirects_that_belong_to_the_application_are_no_failures(redirects: Fails) -> None:
    (result,) = results(redirecting(redirects))

    assert result.shape is FailureShape.NONE
    assert not any(count.failed for count in result.counts)


def test_an_answer_that_was_rare_with_one_replica_does_not_make_a_run_invalid() -> None:
    """By chance one replica never redirected; with more it did, in single windows."""
    trials = list(redirecting(lambda _: 0))
    at = next(i for i, trial in enumerate(trials) if trial.spec.cell.replicas == 4)
    (one,) = trials[at].requests
    trials[at] = replace(trials[at], requests=(replace(one, statuses={200: 780, 302: 20}),))

    (result,) = results(trials)

    assert result.shape is FailureShape.NONE


def test_a_page_in_the_place_of_not_modified_is_a_page() -> None:
    """Each server makes entity tags of its own, so what one gave is not current at another."""

    def at(count: int) -> RequestOutcomes:
        total = PER_REPLICA * count
        pages = 0 if count == 1 else total // 2
        statuses = {status: n for status, n in ((304, total - pages), (200, pages)) if n}
        return RequestOutcomes(name="GET /me", completed=total, failed=0, statuses=statuses)

    assert [result.shape for result in results(with_requests(at))] in ([], [FailureShape.NONE])
