"""What a gate that cannot be continued is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loadtests.gate import appending
from loadtests.gate.model.plan import GatePlan, Side
from loadtests.gate.model.result import GateResult
from loadtests.gate.model.vocabulary import SideKind, SideName
from loadtests.gate.report import verdict_json
from loadtests.gate.versions import Sides
from loadtests.model.consistency import SAMPLE_CHECKS
from loadtests.model.errors import UsageError
from loadtests.model.plan import WorkerModel
from loadtests.model.tested.target import Target, TargetKind
from loadtests.model.tested.workload import Expected, Locustfile, RequestSpec, Workload
from loadtests.targets import plain
from tests.loadtests.gate.analysis.test_history import a_gate
from tests.loadtests.gate.builders import make_gate_plan, make_side

BASE = make_side(SideName.BASE)


def refused(head: Side) -> str:
    """Return what is said to a gate with another head."""
    earlier = replace(a_gate(0.0), base=BASE, head=make_side(SideName.HEAD))
    with pytest.raises(UsageError) as raised:
        appending.check_same(earlier, Sides(base=BASE, head=head, differences=()))
    return str(raised.value)


def test_a_folder_that_was_built_anew_is_told_what_may_have_changed_it() -> None:
    tree = make_side(SideName.HEAD, kind=SideKind.PATH, digest="sha256:another")
    image = make_side(SideName.HEAD, digest="sha256:another")
    variables = make_side(SideName.HEAD, kind=SideKind.PATH, environment={"A": "1"})

    assert "Twofold's own results: put results/ into .dockerignore." in refused(tree)
    assert ".dockerignore" not in refused(image)
    assert ".dockerignore" not in refused(variables)


# -- the same gate -----------------------------------------------------------------------------

TARGET = Target(kind=TargetKind.IMPORT_STRING, given="shop:app", name="shop", folder="/srv/shop")
LOGIN = RequestSpec(method="POST", path="/login?token=s3cret", form={"password": "hunter2"})
BROWSE = Workload(name="browse", path="/", requests=(RequestSpec(path="/"), LOGIN))
EIGHT = WorkerModel(name="gthread", processes=1, threads=8, slots=8)


def planned(*, load: Workload = BROWSE, model: WorkerModel = EIGHT, **changed: Any) -> GatePlan:
    workers = {model.name: model}
    given = replace(plain.project(TARGET), workers=workers, workloads={load.name: load})
    plan = make_gate_plan(
        project=replace(given, **changed), workers=("gthread",), workload=load.name
    )
    return replace(plan, cores=(0, 1))


def earlier(load: Workload = BROWSE) -> GateResult:
    """A gate as it is read from its file, without the secrets."""
    gate = replace(a_gate(0.0), plan=planned(load=load))
    return verdict_json.parse(verdict_json.render(gate), name="verdict.json")


def test_the_same_options_continue_it_with_the_secrets_of_now() -> None:
    plan = appending.continued(earlier(), planned())

    assert plan.asked == BROWSE


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (planned(model=replace(EIGHT, threads=2, slots=2)), "how they are served"),
        (planned(load=replace(BROWSE, requests=(RequestSpec(path="/"),))), "the load"),
        (
            planned(
                load=replace(BROWSE, requests=(RequestSpec(expect=Expected(status=200)), LOGIN))
            ),
            "the load",
        ),
        (planned(load=replace(BROWSE, headers={"Accept": "text/html"})), "the load"),
        (planned(checks=SAMPLE_CHECKS[:1]), "the checks"),
    ],
)
def test_evidence_of_another_load_or_server_is_not_added(now: GatePlan, said: str) -> None:
    with pytest.raises(UsageError, match=f"these are others now: {said}\\."):
        appending.continued(earlier(), now)


def test_a_gate_that_is_continued_elsewhere_runs_on_the_cores_that_are_there() -> None:
    now = replace(planned(), cores=(4, 5), service_cores=(6,))

    plan = appending.continued(earlier(), now)

    assert (plan.cores, plan.service_cores) == ((4, 5), (6,))


# -- the text of a locustfile ------------------------------------------------------------------


def asked_by(sha256: str | None, *, tags: tuple[str, ...] = ()) -> Workload:
    file = Locustfile(path="/srv/locustfile.py", tags=tags, sha256=sha256)
    return Workload(name="shopping", path="/", locustfile=file)


def test_a_locustfile_with_another_text_is_another_load() -> None:
    before, now = asked_by("ab" * 32), asked_by("cd" * 32)

    with pytest.raises(UsageError) as raised:
        appending.continued(earlier(before), planned(load=now))

    assert str(raised.value) == (
        f"--append {earlier().facts.gate_id}: the text of /srv/locustfile.py is another now"
        " (SHA-256 abababababab there, cdcdcdcdcdcd now), so its users may ask for something else."
        " Put that text back, or start a new gate."
    )


def test_other_tags_of_a_changed_locustfile_are_told_as_the_option_that_they_are() -> None:
    now = asked_by("cd" * 32, tags=("read",))

    with pytest.raises(UsageError, match="these are others now: the load\\."):
        appending.continued(earlier(asked_by("ab" * 32)), planned(load=now))


@pytest.mark.parametrize("before", ["cd" * 32, None], ids=["the same", "not noted"])
def test_a_locustfile_whose_text_is_the_same_or_was_not_noted_continues_it(
    before: str | None,
) -> None:
    now = asked_by("cd" * 32)

    assert appending.continued(earlier(asked_by(before)), planned(load=now)).asked == now
