import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from loadtests.model.result import Estimate
from loadtests.model.vocabulary import Verdict
from loadtests.report.formats import junit
from tests.loadtests.builders import make_doubling, make_facts, make_result


def suite_of(*verdicts: Verdict) -> JUnitXml:
    doublings = tuple(make_doubling(verdict=verdict) for verdict in verdicts)
    return JUnitXml.fromstring(junit.render(make_result(doublings=doublings)).encode())


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (Verdict.FALLS_SHORT, Failure),
        (Verdict.NO_GAIN, Failure),
        (Verdict.BREAKS, Failure),
        (Verdict.INCONCLUSIVE, Skipped),
        (Verdict.INVALID, Error),
    ],
)
def test_each_verdict_but_scales_has_its_outcome(verdict: Verdict, outcome: type) -> None:
    ((case,),) = suite_of(verdict)

    assert [type(entry) for entry in case.result] == [outcome]
    assert "gthread cpu 1→2: 1.98 [1.94, 2.02]" in case.result[0].message


def test_a_doubling_that_scales_is_a_test_that_passes() -> None:
    ((case,),) = suite_of(Verdict.SCALES)

    assert case.is_passed
    assert (case.classname, case.name) == ("twofold.gthread.cpu", "gthread cpu 1→2")


def test_the_counts_are_those_of_the_outcomes() -> None:
    found = suite_of(Verdict.SCALES, Verdict.NO_GAIN, Verdict.INCONCLUSIVE, Verdict.INVALID)

    assert (found.tests, found.failures, found.skipped, found.errors) == (4, 1, 1, 1)


def test_the_run_is_in_the_properties() -> None:
    (suite,) = suite_of(Verdict.SCALES)

    entries = suite.properties()  # type: ignore[no-untyped-call]
    properties = {entry.name: entry.value for entry in entries}
    assert properties["run_id"] == make_facts().run_id
    assert properties["target"] == "1.8"


def test_what_is_not_known_is_no_property() -> None:
    unknown = make_doubling(factor=Estimate(estimate=None, low=None, high=None))

    text = junit.render(make_result(doublings=(unknown,)))

    assert 'name="factor"' not in text


def test_what_xml_cannot_hold_is_replaced() -> None:
    text = junit.render(make_result(doublings=(make_doubling(worker="a\x00\x1b<b>"),)))

    ((case,),) = JUnitXml.fromstring(text.encode())
    assert case.name == "a\ufffd\ufffd<b> cpu 1→2"
