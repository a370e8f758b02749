"""The campaigns of reliability: what each counts as kept, and as broken. Nothing is started."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.model.vocabulary import RuleCode, Verdict
from loadtests.tools import docker_compose
from scripts.reliability import (
    __main__,
    as_users_have_it,
    container_lines,
    containers,
    fault_run,
    hostile,
    hostile_head,
    no_wrong_green,
    record,
    two_at_once,
)
from scripts.reliability.container_lines import CONTAINERS, IMAGES, Line, role_of
from scripts.reliability.record import Broken, Case, Result
from tests.checkout import CHECKOUT

# -- the record --------------------------------------------------------------------------------


def test_a_broken_promise_is_a_row_and_the_other_campaigns_stay(tmp_path: Path) -> None:
    def broken(_: Path) -> str:
        raise Broken("it was green")

    results = [
        record.tried(Case(name="good", run=lambda _: "fine"), tmp_path),
        record.tried(Case(name="bad", run=broken), tmp_path),
    ]
    file = tmp_path / "reliability.json"
    record.record(file, "other", [Result(case="c", held=True, detail="", seconds=1.0)])
    record.record(file, "mine", results[:1])
    record.record(file, "mine", results)

    document = json.loads(file.read_text())
    assert document["campaigns"] == {
        "other": {"tried": 1, "held": 1},
        "mine": {"tried": 2, "held": 1},
    }
    assert [(row["campaign"], row["case"], row["held"]) for row in document["rows"]] == [
        ("other", "c", True),
        ("mine", "good", True),
        ("mine", "bad", False),
    ]
    assert document["rows"][-1]["detail"] == "it was green"


def test_the_campaigns_are_those_of_the_promises() -> None:
    assert list(__main__.CAMPAIGNS) == [
        *("no_leak", "no_torn_result", "no_wrong_green", "hostile_files", "hostile_head"),
        *("hung_engine", "containers", "as_users_have_it", "two_at_once"),
    ]


# -- no wrong green ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "verdict", "codes"),
    [
        ("kill", Verdict.INVALID, [RuleCode.IDENTITY, RuleCode.REPLICA_SHARE]),
        ("garbage", Verdict.BREAKS, []),
        ("slow", Verdict.FALLS_SHORT, []),
        (fault_run.LOST_WORKER, Verdict.INVALID, [RuleCode.GENERATOR_SATURATED]),
    ],
)
def test_a_fault_that_is_seen_keeps_the_promise(
    fault: str, verdict: Verdict, codes: list[RuleCode]
) -> None:
    told = {"verdict": str(verdict), "codes": list(map(str, codes)), "reason": ""}

    assert no_wrong_green.judged(fault, told).startswith(verdict)


@pytest.mark.parametrize(
    ("fault", "verdict", "codes", "said"),
    [
        ("slow", Verdict.SCALES, [], "a wrong green"),
        ("kill", Verdict.SCALES, [RuleCode.IDENTITY], "a wrong green"),
        ("kill", Verdict.FALLS_SHORT, [], "no rule that sees it"),
        ("slow", Verdict.INCONCLUSIVE, [], "no rule that sees it"),
        ("garbage", Verdict.INVALID, [RuleCode.STEADY], "no rule that sees it"),
        (fault_run.LOST_WORKER, Verdict.FALLS_SHORT, [], "no rule that sees it"),
    ],
)
def test_a_wrong_green_or_a_wrong_rule_breaks_it(
    fault: str, verdict: Verdict, codes: list[RuleCode], said: str
) -> None:
    told = {"verdict": str(verdict), "codes": list(map(str, codes)), "reason": ""}

    with pytest.raises(Broken, match=said):
        no_wrong_green.judged(fault, told)


def test_every_fault_has_its_rules() -> None:
    assert set(no_wrong_green.RULES) == {*fault_run.KINDS, fault_run.LOST_WORKER}


# -- a hostile head ----------------------------------------------------------------------------


def test_there_are_thirty_builds_and_applications_and_each_has_its_codes() -> None:
    assert len(hostile_head.BUILDS) + len(hostile_head.APPLICATIONS) == 30
    assert set(hostile_head.APPLICATIONS) == set(hostile.DEEDS) - {"nothing"}


@pytest.mark.parametrize(
    "said",
    ["Traceback (most recent call last)", "a\x1b[2J", "\n::stop-commands::x", "x ##vso[task]"],
)
def test_what_somebody_wrote_and_a_traceback_break_the_promise(said: str) -> None:
    with pytest.raises(Broken):
        hostile_head.hold_to_plain_words(said)


def test_the_gates_own_annotations_do_not() -> None:
    hostile_head.hold_to_plain_words("a\n::error title=Performance::slower\n: :stop-commands::x")


def test_figures_of_base_agree_where_their_intervals_meet() -> None:
    quiet = (100.0, 101.0, 99.0, 100.5, 99.5)

    assert hostile_head.agree(quiet, [rate + 1 for rate in quiet])
    assert not hostile_head.agree(quiet, [rate * 0.8 for rate in quiet])


# -- containers --------------------------------------------------------------------------------


def facts(**host: Any) -> dict[str, Any]:
    """Return what the engine says of a container that all lines hold for."""
    return {
        "Config": {"User": "10001:10001", "Image": "sha256:1", "Env": [], "Healthcheck": {"a": 1}},
        "Mounts": [],
        "NetworkSettings": {"Networks": {"twofold_stack": {}}},
        "HostConfig": {
            "CapDrop": ["ALL"],
            "CapAdd": None,
            "SecurityOpt": ["no-new-privileges:true"],
            "NetworkMode": "twofold_stack",
            "Memory": 1 << 28,
            "NanoCpus": 10**8,
            "PidsLimit": 256,
            "Ulimits": [{"Name": "nofile", "Hard": 16384, "Soft": 16384}],
            "RestartPolicy": {"Name": "no"},
            "ReadonlyRootfs": True,
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
            **host,
        },
    }


def broken_lines(found: dict[str, Any]) -> list[str]:
    return [line.source for line in (*CONTAINERS, *IMAGES) if not line.holds(found)]


def test_a_hardened_container_breaks_no_line() -> None:
    assert broken_lines(facts()) == []


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ({"CapDrop": None}, "OWASP 3, CIS 5.4"),
        ({"CapAdd": ["SYS_ADMIN"]}, "OWASP 3, CIS 5.4"),
        ({"SecurityOpt": None}, "OWASP 4, CIS 5.26"),
        ({"Privileged": True}, "OWASP 3, CIS 5.5"),
        ({"NetworkMode": "default"}, "OWASP 5, CIS 5.30"),
        (
            {"SecurityOpt": ["no-new-privileges", "seccomp=unconfined"]},
            "OWASP 6, CIS 5.2, 5.3, 5.22",
        ),
        ({"Memory": 0}, "OWASP 7, CIS 5.11"),
        ({"NanoCpus": 0}, "OWASP 7, CIS 5.12"),
        ({"PidsLimit": None}, "OWASP 7, CIS 5.29"),
        ({"Ulimits": None}, "OWASP 7, CIS 5.19"),
        ({"RestartPolicy": {"Name": "always"}}, "OWASP 7, CIS 5.15"),
        ({"ReadonlyRootfs": False}, "OWASP 8, CIS 5.13"),
        ({"PortBindings": {"80/tcp": [{}]}}, "CIS 5.8, 5.9, 5.14"),
        ({"NetworkMode": "host"}, "CIS 5.10"),
        ({"PidMode": "host"}, "CIS 5.16, 5.17, 5.21, 5.31"),
        ({"Devices": [{}]}, "CIS 5.18"),
        ({"CgroupParent": "x"}, "CIS 5.25"),
        ({"LogConfig": {"Config": {}}}, "our own"),
    ],
)
def test_each_line_sees_what_it_asks_for(host: dict[str, Any], source: str) -> None:
    assert broken_lines(facts(**host)) == [source]


@pytest.mark.parametrize(
    ("changed", "source"),
    [
        ({"Config": {**facts()["Config"], "User": "0:0"}}, "CIS 4.1"),
        ({"Config": {**facts()["Config"], "Env": ["DB_PASSWORD=x"]}}, "CIS 4.10"),
        ({"Config": {**facts()["Config"], "Healthcheck": None}}, "CIS 4.6"),
        ({"Config": {**facts()["Config"], "Image": "app:latest"}}, "OWASP 13, CIS 5.28"),
        ({"Mounts": [{"Type": "bind", "Source": "/etc/"}]}, "CIS 5.6"),
        ({"Mounts": [{"Type": "bind", "Source": "/run/docker.sock"}]}, "OWASP 1, CIS 5.32"),
        ({"Mounts": [{"Type": "volume", "Propagation": "rshared"}]}, "CIS 5.20"),
    ],
)
def test_lines_on_mounts_and_images_see_theirs(changed: dict[str, Any], source: str) -> None:
    assert source in broken_lines({**facts(), **changed})


def test_a_line_names_the_containers_that_break_it_and_counts_its_exceptions() -> None:
    line = next(line for line in CONTAINERS if "metronome" in line.exceptions)
    unlimited = facts(NanoCpus=0)

    assert containers.judged(line, {"run_metronome_1": unlimited, "run_proxy_1": facts()}) == (
        "1 held, 1 excepted"
    )
    with pytest.raises(Broken, match="run_proxy_1"):
        containers.judged(line, {"run_proxy_1": unlimited})


def services() -> list[tuple[str, str, dict[str, Any]]]:
    """Return the services of our Compose files: file, name and definition."""
    files = ("compose.yaml", "gate.yaml")
    parsed = {
        name: docker_compose.parse((CHECKOUT / "compose" / name).read_text()) for name in files
    }
    return [
        (file, name, definition)
        for file, document in parsed.items()
        for name, definition in document["services"].items()
    ]


def as_inspected(service: dict[str, Any]) -> dict[str, Any]:
    """Return what the engine would say of a service's container; the run sets CPU and image."""
    limits = service.get("ulimits", {}).get("nofile", {})
    return {
        "Config": {"User": service.get("user"), "Image": "sha256:set by the run"},
        "Mounts": [],
        "NetworkSettings": {"Networks": dict.fromkeys(service.get("networks", ()))},
        "HostConfig": {
            "CapDrop": service.get("cap_drop"),
            "CapAdd": service.get("cap_add"),
            "SecurityOpt": service.get("security_opt"),
            "Privileged": service.get("privileged"),
            "NetworkMode": service.get("networks", ["default"])[0],
            "Memory": 1 if service.get("mem_limit") else 0,
            "NanoCpus": 1,
            "PidsLimit": service.get("pids_limit"),
            "Ulimits": [{"Name": "nofile", "Hard": limits.get("hard")}],
            "RestartPolicy": {"Name": service.get("restart", "")},
            "ReadonlyRootfs": service.get("read_only"),
            "LogConfig": {"Config": service.get("logging", {}).get("options")},
            "PortBindings": service.get("ports"),
            "PidMode": service.get("pid"),
            "IpcMode": service.get("ipc"),
            "UsernsMode": service.get("userns_mode"),
            "Devices": service.get("devices"),
            "CgroupParent": service.get("cgroup_parent"),
        },
    }


@pytest.mark.parametrize("line", CONTAINERS, ids=lambda line: line.source)
def test_every_service_of_ours_is_asked_for_it(line: Line) -> None:
    wrong = [
        f"{file}: {name}"
        for file, name, service in services()
        if role_of(name) not in line.exceptions and not line.holds(as_inspected(service))
    ]

    assert wrong == []


def test_the_page_has_the_table() -> None:
    page = (CHECKOUT / "docs/reference/hardening.md").read_text()

    assert container_lines.table() in page


# -- two at once -------------------------------------------------------------------------------


@pytest.mark.parametrize("there", [True, False])
def test_two_users_are_tried_where_there_can_be_two(
    monkeypatch: pytest.MonkeyPatch, *, there: bool
) -> None:
    monkeypatch.setattr(two_at_once, "has_another_user", lambda: there)

    names = [case.name for case in two_at_once.cases(full=False)]

    assert [name for name in names if "users" in name] == (
        ["two users, root first", "two users, root second"] if there else []
    )


def test_only_root_can_be_two_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    assert not two_at_once.has_another_user()


# -- a machine as users have it ----------------------------------------------------------------


def test_without_a_machine_there_are_no_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(as_users_have_it.MACHINE, raising=False)

    assert list(as_users_have_it.cases(full=True)) == []


def test_the_machine_gets_a_checkout_and_its_rows_are_the_cases(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "machine"
    rows = [
        {"campaign": "no_leak", "case": "compose INT at Starting", "held": True, "detail": "1 s"},
        {"campaign": "hung_engine", "case": "never from call 2 on", "held": False, "detail": "x"},
    ]
    program.write_text(
        "#!/bin/sh\n[ $1 = run ] && [ -f $2/scripts/set_up.py ] && [ -d $2/out ] || exit 1\n"
        f"cat >$2/out/reliability.json <<'END'\n{json.dumps({'rows': rows})}\nEND\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv(as_users_have_it.MACHINE, str(program))
    monkeypatch.setattr(as_users_have_it, "has_engine", lambda: False)
    monkeypatch.setattr(as_users_have_it, "_told", {})

    results = [record.tried(case, tmp_path) for case in as_users_have_it.cases(full=False)]

    assert [(result.case, result.held, result.detail) for result in results] == [
        ("no_leak: compose INT at Starting", True, "1 s"),
        ("hung_engine: never from call 2 on", False, "x"),
    ]


def test_there_are_24_ends_and_5_calls() -> None:
    assert [len(list(given())) for given in as_users_have_it.CAMPAIGNS.values()] == [24, 5]
