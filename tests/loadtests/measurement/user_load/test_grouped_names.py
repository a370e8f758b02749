"""Requests that the generator counts by their route are told."""

from __future__ import annotations

from loadtests.measurement.user_load import grouped_names


def test_routes_that_stand_for_many_ids_are_told_once_each() -> None:
    note = grouped_names.note(["GET /", "GET /item/{id}", "GET /search?q={}", "GET /item/{id}"])

    assert note is not None
    assert "counted by their route: GET /item/{id}, GET /search?q={}." in note


def test_many_routes_are_counted() -> None:
    note = grouped_names.note(f"GET /{letter}/{{id}}" for letter in "abcdefgh")

    assert note is not None
    assert "GET /e/{id} and 3 more" in note


def test_names_of_their_own_need_no_word() -> None:
    assert grouped_names.note(["GET /", "POST /login"]) is None
