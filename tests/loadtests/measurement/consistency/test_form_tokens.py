"""A form is sent with the token that its page gives, and not with that of an earlier session."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState
from tests.loadtests.measurement.consistency import form_apps as apps
from tests.loadtests.measurement.consistency.form_apps import recorded
from tests.loadtests.measurement.consistency.site import Make, asked, breaks, request

READ = request("GET /notes")


def found(
    make: Make, *, in_header: bool = False, start: Sequence[str] = ("GET", "POST"), seed: int = 1
) -> tuple[ProbeResult, ...]:
    login = {
        "GET": request("GET /login"),
        "POST": recorded("POST /login", user="ada", in_header=in_header),
    }
    write = recorded("POST /notes", text="a note to keep", in_header=in_header)
    return asked(
        make,
        READ,
        write,
        start=[login[method] for method in start],
        grows=True,
        seed=seed,
    )


def start_of(results: Sequence[ProbeResult]) -> ProbeResult:
    (start,) = [result for result in results if result.kind is ProbeKind.START]
    return start


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_tables_that_a_further_server_drops_break_where_forms_have_a_token(seed: int) -> None:
    (result,) = breaks(found(apps.forms_dropped_at_the_start, seed=seed))

    assert result.kind is ProbeKind.START
    assert "what POST /notes wrote was gone" in result.detail


@pytest.mark.parametrize(
    ("make", "in_header"),
    [(apps.shared_forms, False), (apps.shared_forms, True), (apps.forms_with_a_meta_tag, True)],
)
def test_what_all_servers_share_is_ok_where_forms_have_a_token(
    make: Make, *, in_header: bool
) -> None:
    results = found(make, in_header=in_header)

    assert breaks(results) == []
    assert start_of(results).state is ProbeState.OK
    assert {result.state for result in results} == {ProbeState.OK}


def test_a_token_that_another_key_signs_is_refused() -> None:
    results = breaks(found(apps.forms_of_a_random_key))

    assert "GET /notes" in {result.check for result in results}
    assert all("SECRET_KEY" in result.remedy for result in results)


def test_the_page_of_a_form_is_read_first_where_no_page_gave_a_token() -> None:
    """As where the page is among what users ask, and the login comes before it."""
    write = recorded("POST /notes", text="a note to keep")
    login = recorded("POST /login", user="ada")

    results = asked(
        apps.shared_forms, request("GET /login"), READ, write, start=[login], grows=True
    )

    assert start_of(results).state is ProbeState.OK


def test_a_login_among_the_tasks_may_make_the_tokens_of_earlier_pages_void() -> None:
    results = asked(
        apps.forms_whose_login_renews_the_token,
        request("GET /login"),
        READ,
        recorded("POST /login", user="ada"),
        recorded("POST /notes", text="a note to keep"),
        as_locustfile=True,
    )

    (result,) = breaks(results)
    assert (result.check, result.write) == ("GET /notes", "POST /notes")


def test_the_page_that_gave_the_token_is_read_again_where_the_form_has_none() -> None:
    """The last page that was read has no token, and the load has no page with the form's path."""
    results = asked(
        apps.forms_whose_login_renews_the_token,
        request("GET /login"),
        request("GET /news"),
        recorded("POST /login", user="ada"),
        recorded("POST /notes", text="a note to keep"),
        as_locustfile=True,
    )

    assert not [result.detail for result in results if "400" in result.detail]
