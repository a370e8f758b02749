from prometheus_client.openmetrics.parser import text_string_to_metric_families

from loadtests.model.vocabulary import Verdict
from loadtests.report.formats import openmetrics
from tests.loadtests.builders import make_doubling, make_plan, make_result, make_trials


def samples(result: object) -> dict[str, list[tuple[dict[str, str], float]]]:
    text = openmetrics.render(result)  # type: ignore[arg-type]
    return {
        family.name: [(sample.labels, sample.value) for sample in family.samples]
        for family in text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    }


def test_the_run_is_an_info_and_its_exit_code_a_gauge() -> None:
    found = samples(make_result(verdict=Verdict.NO_GAIN))

    ((labels, _),) = found["twofold_run"]
    assert labels["verdict"] == "no_gain"
    assert found["twofold_exit_code"] == [({}, 1.0)]


def test_a_doubling_says_its_factor_and_whether_it_scales() -> None:
    found = samples(make_result(doublings=(make_doubling(),)))

    bounds = {labels["bound"]: value for labels, value in found["twofold_doubling_factor"]}
    assert bounds == {"estimate": 1.98, "low": 1.94, "high": 2.02}
    assert [value for _, value in found["twofold_doubling_scales"]] == [1.0]


def test_labels_may_hold_any_text() -> None:
    name = 'a"b\\c\nd'
    plan = make_plan(workers=(name,), replica_counts=(1,))

    found = samples(make_result(plan, make_trials(plan)))

    assert {labels["worker"] for labels, _ in found["twofold_throughput_rps"]} == {name}


def test_what_is_not_known_is_left_out() -> None:
    assert samples(make_result(make_plan(), ()))["twofold_throughput_rps"] == []
