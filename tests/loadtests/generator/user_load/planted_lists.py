"""Mistakes in lists of requests, which the check trial finds."""

from __future__ import annotations

from collections.abc import Mapping

from loadtests.model.tested.workload import Expected, RequestSpec
from tests.loadtests.generator.user_load.planted import Planted

FILES: Mapping[str, Planted] = {
    "a list whose expectations do not hold": Planted(
        requests=(
            RequestSpec(path="/"),
            RequestSpec(method="POST", path="/items", expect=Expected(status=200)),
            RequestSpec(path="/items", expect=Expected(contains="nothing there")),
            RequestSpec(path="/missing"),
        ),
        code=3,
        mistakes=(
            "POST /items was answered with 201",
            "GET /items was answered with 200",
            "GET /missing was answered with 404",
        ),
    ),
    "a list with a login that fails, and an error behind it": Planted(
        start=(RequestSpec(method="POST", path="/missing", form={"user": "ada"}),),
        requests=(RequestSpec(path="/"), RequestSpec(path="/broken")),
        code=3,
        mistakes=(
            "POST /missing was answered with 404, in the only try",
            "Behind that start, perhaps because it fails: GET /broken (GET /broken was answered"
            " with 500)",
        ),
    ),
    "a list of a site that wants a login": Planted(
        requests=(RequestSpec(path="/cart"), RequestSpec(path="/items")),
        app={"login_page": True},
        code=3,
        mistakes=("Every answer is the login page /login",),
    ),
}
