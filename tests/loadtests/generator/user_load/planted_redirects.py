"""Redirects that are no answers, beside pages that are: the check trial names each by itself."""

from __future__ import annotations

from collections.abc import Mapping

from loadtests.model.tested.workload import Expected, RequestSpec
from tests.loadtests.generator.user_load.planted import Planted

FILES: Mapping[str, Planted] = {
    "a list with one page that is only there over TLS, and one that moved": Planted(
        requests=(
            RequestSpec(path="/"),
            RequestSpec(path="/secure"),
            RequestSpec(path="/moved"),
            RequestSpec(path="/away", expect=Expected(status=302)),
        ),
        code=3,
        mistakes=("GET /secure was answered with 302 → https://elsewhere.example/secure. The",),
        also=(
            "GET /moved was answered with 302 → /. Redirects of a list are not followed: name /",
        ),
    ),
    "a file with one page that is only there over TLS, and one that it expects there": Planted(
        text="""
        from locust import HttpUser, task
        class Shop(HttpUser):
            @task
            def secure(self): self.client.get("/secure", allow_redirects=False)
            @task
            def index(self): self.client.get("/")
            @task
            def expected(self):
                options = {"allow_redirects": False, "catch_response": True}
                with self.client.get("/secure", name="expected", **options) as response:
                    response.success()
        """,
        code=3,
        mistakes=("GET /secure was answered with 302 → https://elsewhere.example/secure. The",),
    ),
}
