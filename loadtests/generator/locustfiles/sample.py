"""The default locustfile: every user requests the trial's path again and again."""

from __future__ import annotations

from locust import task

from loadtests.generator.http.user import LeanHttpUser


class SampleUser(LeanHttpUser):
    """Requests one path until its client stops it at the end of the trial."""

    @task
    def ask(self) -> None:
        """Send requests until the trial is over; a loop there saves Locust's choice of a task."""
        self.client.repeat([("GET", self.load.path)])
