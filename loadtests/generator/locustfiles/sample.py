"""The built-in scenario: every user asks for the trial's path again and again."""

from __future__ import annotations

from locust import task

from loadtests.generator.http.user import LeanHttpUser


class SampleUser(LeanHttpUser):
    """Asks for one path; its client ends it when the trial is over."""

    @task
    def ask(self) -> None:
        """Ask until the trial is over: without a way back through Locust's choice of a task."""
        path = self.load.path
        request = self.client.request
        while True:
            request("GET", path, allow_redirects=False)
