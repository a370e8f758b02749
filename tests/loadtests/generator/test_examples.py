from loadtests.generator.examples import EACH, MOST, Examples, chosen
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.recorder import Recorder
from loadtests.generator.samples import merge, renamed

NAMES, REPLICAS = ("GET /", "GET /me"), ("10.0.0.1:80", "10.0.0.2:80")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
LOGIN = b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n"


def test_a_failure_is_told_with_its_answer_and_with_a_right_one_of_the_same_name() -> None:
    examples = Examples()
    examples.show(0, Outcome.OK, 200, 0, OK, b"hi!")
    examples.show(1, Outcome.OK, 200, 0, OK, b"ada")
    examples.show(1, Outcome.REJECTED, 302, 1, LOGIN, b"")

    assert examples.told(NAMES, REPLICAS) == (
        {
            "name": "GET /me",
            "outcome": "rejected",
            "status": 302,
            "replica": "10.0.0.2:80",
            "body_start": "",
            "location": "/login",
        },
        {
            "name": "GET /me",
            "outcome": "ok",
            "status": 200,
            "replica": "10.0.0.1:80",
            "body_start": "ada",
            "location": None,
        },
    )


def test_where_nothing_failed_nothing_is_told() -> None:
    examples = Examples()
    examples.show(0, Outcome.OK, 200, 0, OK, b"hi!")

    assert examples.shown == {0}
    assert examples.told(NAMES, REPLICAS) == ()


def test_a_failure_without_an_answer_has_no_status_and_no_replica() -> None:
    examples = Examples()
    examples.show(0, Outcome.TIMEOUT, 0, -1, b"", b"")

    (told,) = examples.told(NAMES, REPLICAS)
    assert (told["outcome"], told["status"], told["replica"]) == ("timeout", None, None)


def test_of_each_kind_few_are_kept_and_an_encoded_body_is_not_shown() -> None:
    examples = Examples()
    encoded = b"HTTP/1.1 500 Oops\r\nContent-Encoding: gzip\r\n\r\n"
    for _ in range(5):
        examples.show(0, Outcome.STATUS, 500, 0, encoded, b"\x1f\x8b")

    assert [told["body_start"] for told in examples.told(NAMES, REPLICAS)] == [""] * EACH


def test_of_many_examples_failures_are_chosen_first() -> None:
    many = [{"outcome": "ok"}] * 30 + [{"outcome": "status"}] * 3

    assert [one["outcome"] for one in chosen(many)] == ["status"] * 3 + ["ok"] * (MOST - 3)


def recorded(name: str) -> Recorder:
    recorder = Recorder()
    index = recorder.name_index(name)
    recorder.add(0.0, 0.0, 1.0, 500, Outcome.STATUS, -1, index)
    recorder.examples.show(index, Outcome.STATUS, 500, -1, b"", b"oops")
    return recorder


def test_examples_of_several_processes_are_merged_and_named_as_their_samples_are() -> None:
    parts = [recorded(name).samples(0.0) for name in ("/item/1", "/item/2")]

    merged = renamed(merge(parts), ["/item/<n>", "/item/<n>"])

    assert [example["name"] for example in merged.examples] == ["/item/<n>"] * 2


def test_a_new_trial_has_examples_of_its_own() -> None:
    recorder = recorded("GET /")
    recorder.clear()

    assert recorder.samples(0.0).examples == ()
