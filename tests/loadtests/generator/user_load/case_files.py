"""The rows of "Locustfiles" in the collection of cases: what files do that people have."""

from __future__ import annotations

from collections.abc import Mapping

from tests.loadtests.generator.user_load.case import Case

CASES: Mapping[str, Case] = {
    "waits are left out": Case(
        text="""
        class Shop(HttpUser):
            wait_time = between(5, 15)
            @task
            def index(self): self.client.get("/")
        """,
        said=("The waits between tasks of Shop are left out", "--keep-waits"),
    ),
    "a pace is a wait": Case(
        text="""
        class Shop(FastHttpUser):
            wait_time = constant_throughput(1)
            @task
            def index(self): self.client.get("/")
        """,
        said=("The waits between tasks of Shop are left out",),
    ),
    "waits are kept": Case(
        text="""
        class Shop(HttpUser):
            wait_time = constant(0.01)
            @task
            def index(self): self.client.get("/")
        """,
        options={"keep_waits": True},
        said=("are kept",),
    ),
    "a shape is ignored": Case(
        text="""
        class Shop(HttpUser):
            @task
            def index(self): self.client.get("/")
        class Stages(LoadTestShape):
            def tick(self): return (100, 10) if self.get_run_time() < 60 else None
        """,
        said=("The load shape Stages is ignored",),
    ),
    "tags that leave no task": Case(
        text="""
        class Shop(HttpUser):
            @tag("read")
            @task
            def index(self): self.client.get("/")
            @tag("write", "slow")
            @task
            def write(self): self.client.post("/items")
        """,
        options={"tags": ["wirte"]},
        code=2,
        said=("--tags wirte leaves no task", "read, slow, write"),
    ),
    "StopUser": Case(
        text="""
        from locust.exception import StopUser
        class Shop(HttpUser):
            @task
            def index(self):
                self.client.get("/")
                raise StopUser()
        """,
        code=3,
        said=("locustfile.py:8: Shop.index ends its user (StopUser)",),
    ),
    "runner.quit()": Case(
        text="""
        class Shop(HttpUser):
            @task
            def index(self):
                self.client.get("/")
                self.environment.runner.quit()
        """,
        code=3,
        said=("locustfile.py:7: Shop.index ends the test (runner.quit)",),
    ),
    "a wait for spawning_complete": Case(
        text="""
        from gevent.event import Event
        all_there = Event()
        @events.spawning_complete.add_listener
        def on_complete(**_): all_there.set()
        class Shop(HttpUser):
            def on_start(self): all_there.wait()
            @task
            def index(self): self.client.get("/")
        """,
        code=3,
        said=("locustfile.py:8: Shop.on_start did nothing for 2 s", "It waits for something"),
    ),
    "every task raises": Case(
        text="""
        class Shop(HttpUser):
            @task
            def index(self):
                self.client.get(nmae)
        """,
        code=3,
        said=("locustfile.py:6: Shop.index fails: NameError: name 'nmae' is not defined",),
    ),
    "written for Locust before 1.0": Case(
        text="""
        from locust import HttpLocust
        class Shop(HttpLocust):
            @task
            def index(self): self.client.get("/")
        """,
        code=2,
        said=("another version of Locust", "renamed to HttpUser"),
    ),
    "a module that is missing": Case(
        text="""
        import fakerz
        class Shop(HttpUser):
            @task
            def index(self): self.client.get("/")
        """,
        code=2,
        said=("imports fakerz", "--generator-requirements"),
    ),
    "a sibling and a data file": Case(
        text="""
        import json
        from people_pages import PAGES
        PEOPLE = json.load(open("people.json"))
        class Shop(HttpUser):
            @task
            def index(self): self.client.get(PAGES[0], params={"q": PEOPLE[0]})
        """,
        siblings={"people_pages.py": 'PAGES = ["/"]', "people.json": '["ada"]'},
    ),
    "an endless loop without a request": Case(
        text="""
        class Shop(HttpUser):
            @task
            def index(self): self.client.get("/")
            @task
            def think(self):
                while True:
                    pass
        """,
        code=3,
        said=("Shop.think did nothing for 2 s", "computes for ever", "locustfile.py:"),
    ),
    "an endless loop that sleeps": Case(
        text="""
        class Shop(HttpUser):
            @task
            def poll(self):
                while True:
                    time.sleep(1)
        """,
        code=3,
        said=("locustfile.py:7: Shop.poll did nothing for 2 s",),
    ),
    "failure() on a 200": Case(
        text="""
        class Shop(HttpUser):
            @task
            def index(self):
                with self.client.get("/", catch_response=True) as r:
                    r.failure("not what I want")
        """,
        code=3,
        said=("GET / was answered with 200 (not what I want)",),
    ),
    "success() on a 404": Case(
        text="""
        class Shop(FastHttpUser):
            @task
            def index(self):
                with self.client.get("/missing", catch_response=True) as r:
                    if r.status_code == 404:
                        r.success()
        """,
    ),
    "a host with a path": Case(
        text="""
        class Shop(HttpUser):
            host = "https://shop.example.com/v1/"
            @task
            def index(self): self.client.get("items")
        """,
        said=("https://shop.example.com/v1/ in the file is replaced", "Its path /v1 is kept"),
    ),
    "an absolute URL to elsewhere": Case(
        text="""
        class Shop(HttpUser):
            @task
            def index(self): self.client.get("/")
            @task
            def other(self): self.client.get("https://shop.example.com/cart")
        """,
        code=2,
        said=("locustfile.py:7", "https://shop.example.com/cart", "not the target"),
    ),
    "another library to elsewhere": Case(
        text="""
        import requests
        class Shop(HttpUser):
            def on_start(self): requests.post("http://auth.example.com/token")
            @task
            def index(self): self.client.get("/")
        """,
        code=2,
        said=("locustfile.py:5", "auth.example.com"),
    ),
    "a Secure cookie over http": Case(
        text="""
        class Shop(HttpUser):
            def on_start(self): self.client.post("/login", {"user": "ada"})
            @task
            def index(self): self.client.get("/")
            @task
            def cart(self): self.client.get("/cart")
        """,
        app={"secure": True, "login_page": True},
        code=3,
        said=("Every answer is the login page /login", "--header X-Forwarded-Proto=https"),
    ),
    "no login": Case(
        text="""
        class Shop(HttpUser):
            @task
            def index(self): self.client.get("/")
        """,
        app={"login_page": True},
        code=3,
        said=("Every answer is the login page /login",),
    ),
    "a login": Case(
        text="""
        class Shop(HttpUser):
            def on_start(self): self.client.post("/login", {"user": "ada"})
            @task
            def index(self): self.client.get("/")
        """,
        app={"login_page": True},
    ),
    "a form with a CSRF token": Case(
        text="""
        import re
        class Shop(HttpUser):
            @task
            def form(self):
                page = self.client.get("/form").text
                token = re.search('name="csrf" value="([^"]+)"', page).group(1)
                self.client.post("/form", data={"csrf": token})
        """,
    ),
}
