"""Mistakes that the check trial finds, with one user who does everything once."""

from __future__ import annotations

from collections.abc import Mapping

from tests.loadtests.generator.user_load.planted import Planted

FILES: Mapping[str, Planted] = {
    "a start that fails, a misspelt name, a loop without an end": Planted(
        text="""
        from locust import HttpUser, task
        class Shop(HttpUser):
            def on_start(self): self.token = self.client.get("/items").json()["token"]
            @task
            def cart(self): self.client.get(f"/items/{nmae}")
            @task
            def index(self): self.client.get("/")
            @task
            def think(self):
                while True:
                    pass
        """,
        code=3,
        mistakes=(
            "locustfile.py:3: Shop.on_start fails: KeyError: 'token'",
            "locustfile.py:5: Shop.cart fails: NameError: name 'nmae' is not defined",
            "Shop.think did nothing for 2 s",
        ),
    ),
    "a login at the wrong path, and a picture that is not there": Planted(
        text="""
        from locust import HttpUser, task
        class Shop(HttpUser):
            def on_start(self): self.client.post("/missing", {"user": "ada"})
            @task
            def upload(self):
                with open("pictuer.png", "rb") as file:
                    self.client.post("/upload", files={"file": file})
        """,
        code=3,
        mistakes=(
            "Shop.on_start: POST /missing was answered with 404",
            "locustfile.py:6: Shop.upload fails: FileNotFoundError",
        ),
    ),
    "users and tests that end": Planted(
        text="""
        from locust import HttpUser, task
        from locust.exception import StopUser
        class Shop(HttpUser):
            @task
            def buy(self):
                self.client.post("/items")
                raise StopUser()
            @task
            def last(self):
                self.client.get("/")
                self.environment.runner.quit()
        """,
        code=3,
        mistakes=(
            "locustfile.py:7: Shop.buy ends its user (StopUser)",
            "locustfile.py:11: Shop.last ends the test (runner.quit)",
        ),
    ),
    "a task that polls for ever, and a page that is not there": Planted(
        text="""
        import time
        from locust import FastHttpUser, task
        class Shop(FastHttpUser):
            @task
            def poll(self):
                while True:
                    time.sleep(1)
            @task
            def page(self): self.client.get("/missing")
        """,
        code=3,
        mistakes=(
            "locustfile.py:7: Shop.poll did nothing for 2 s",
            "Shop.page: GET /missing was answered with 404",
        ),
    ),
    "two clients that nobody counts, and an error": Planted(
        text="""
        import urllib.request
        import requests
        from locust import HttpUser, task
        class Shop(HttpUser):
            @task
            def other(self): requests.get(self.host + "/items")
            @task
            def another(self): urllib.request.urlopen(self.host + "/items").read()
            @task
            def bad(self): self.client.get("/broken")
        """,
        code=3,
        mistakes=(
            "locustfile.py:6: It sends requests with another client",
            "locustfile.py:8: It sends requests with another client",
            "Shop.bad: GET /broken was answered with 500",
        ),
    ),
    "an application behind TLS": Planted(
        text="""
        from locust import HttpUser, task
        class Shop(HttpUser):
            @task
            def index(self): self.client.get("/away")
        """,
        code=3,
        mistakes=("Every answer is a redirect to https://elsewhere.example/",),
        also=("A redirect to https://elsewhere.example/ was not followed",),
    ),
    "a redirect to elsewhere, and a name": Planted(
        text="""
        from locust import HttpUser, task
        class Shop(HttpUser):
            @task
            def away(self): self.client.get("/away")
            @task
            def index(self): self.client.get("/")
            @task
            def cart(self): self.client.get(cart_path)
        """,
        code=3,
        mistakes=(
            "A redirect to https://elsewhere.example/ was not followed",
            "locustfile.py:8: Shop.cart fails: NameError",
        ),
    ),
    "a Secure cookie over http": Planted(
        text="""
        from locust import HttpUser, task
        class Shop(HttpUser):
            def on_start(self): self.client.post("/login", {"user": "ada"})
            @task
            def cart(self): self.client.get("/cart")
        """,
        app={"secure": True, "login_page": True},
        code=3,
        mistakes=(
            "Every answer is the login page /login: the users are not logged in. The cookie",
        ),
    ),
    "nobody logs in": Planted(
        text="""
        from locust import HttpUser, task
        class Shop(HttpUser):
            @task
            def cart(self): self.client.get("/cart")
            @task
            def index(self): self.client.get("/")
        """,
        app={"login_page": True},
        code=3,
        mistakes=("Every answer is the login page /login",),
    ),
    "an upload to the wrong path, one without its file": Planted(
        text="""
        from locust import HttpUser, task
        class Shop(HttpUser):
            @task
            def wrong(self): self.client.post("/missing", files={"f": ("a.txt", b"x" * 100)})
            @task
            def without(self): self.client.post("/upload", files={"f": open("a.bin", "rb")})
        """,
        code=3,
        mistakes=(
            "Shop.wrong: POST /missing was answered with 404",
            "locustfile.py:6: Shop.without fails: FileNotFoundError",
        ),
    ),
    "expectations that do not hold": Planted(
        text="""
        from locust import HttpUser, task
        class Shop(HttpUser):
            @task
            def index(self):
                with self.client.get("/", catch_response=True) as response:
                    if "Welcome" not in response.text:
                        response.failure("no welcome")
            @task
            def items(self):
                assert self.client.get("/items").json()["items"] == [], "there are items"
        """,
        code=3,
        mistakes=(
            "Shop.index: GET / was answered with 200 (no welcome)",
            "locustfile.py:10: Shop.items fails: AssertionError: there are items",
        ),
    ),
    "catch_response without a with block, and a name": Planted(
        text="""
        from locust import HttpUser, task
        class Shop(HttpUser):
            @task
            def index(self): self.client.get("/", catch_response=True)
            @task
            def cart(self): self.client.get("/" + cart)
        """,
        code=3,
        mistakes=("catch_response=True", "locustfile.py:6: Shop.cart fails: NameError"),
    ),
    "all answers are errors": Planted(
        text="""
        from locust import FastHttpUser, task
        class Shop(FastHttpUser):
            @task
            def one(self): self.client.get("/broken")
            @task
            def two(self): self.client.post("/missing", json={})
        """,
        code=3,
        mistakes=(
            "Shop.one: GET /broken was answered with 500, in each of 3 tries",
            "Shop.two: POST /missing was answered with 404, in each of 3 tries",
        ),
    ),
    "a misspelt attribute, a wrong signature, HTML that is no JSON": Planted(
        text="""
        from locust import HttpUser, task
        class Shop(HttpUser):
            @task
            def index(self): self.cleint.get("/")
            @task
            def page(self, number): self.client.get(f"/page/{number}")
            @task
            def items(self): self.client.get("/").json()
        """,
        code=3,
        mistakes=(
            "Shop.index fails: AttributeError",
            "Shop.page fails: TypeError",
            "Shop.items fails: JSONDecodeError",
        ),
    ),
    "no request": Planted(
        text="""
        from locust import User, task
        class Shop(User):
            @task
            def think(self): pass
        """,
        code=3,
        mistakes=("None of its tasks sends a request",),
    ),
    "another host that is only known while it runs": Planted(
        text="""
        from locust import FastHttpUser, task
        class Shop(FastHttpUser):
            @task
            def away(self): self.client.get("://".join(("http", "shop.example.com/x")))
            @task
            def page(self): self.client.get("/missing")
            @task
            def cart(self): self.client.get(cart)
        """,
        code=2,
        mistakes=(
            "locustfile.py:4: It asks http://shop.example.com/x",
            "Shop.page: GET /missing was answered with 404",
            "locustfile.py:8: Shop.cart fails: NameError",
        ),
    ),
    "mistakes inside of nested tasks": Planted(
        text="""
        from locust import HttpUser, SequentialTaskSet, TaskSet, task
        class Shop(HttpUser):
            @task
            class Browse(SequentialTaskSet):
                def on_start(self): self.page = first_page
                @task
                class Look(TaskSet):
                    @task
                    def look(self): self.client.get("/missing")
                    @task
                    def leave(self): self.interrupt()
                @task
                def back(self): self.interrupt()
        """,
        code=3,
        mistakes=(
            "locustfile.py:5: Shop.Browse.on_start fails: NameError",
            "GET /missing was answered with 404",
        ),
    ),
    "a listener that fails, and a name": Planted(
        text="""
        from locust import HttpUser, events, task
        @events.test_start.add_listener
        def start(environment, **_): environment.nothing.at_all()
        class Shop(HttpUser):
            @task
            def index(self): self.client.get(index)
        """,
        code=3,
        mistakes=(
            "locustfile.py:3: a listener of an event fails: AttributeError",
            "locustfile.py:6: Shop.index fails: NameError",
        ),
    ),
    "a wait for all users": Planted(
        text="""
        from gevent.event import Event
        from locust import HttpUser, events, task
        all_there = Event()
        @events.spawning_complete.add_listener
        def complete(**_): all_there.set()
        class Shop(HttpUser):
            def on_start(self): all_there.wait()
            @task
            def index(self): self.client.get("/")
        """,
        code=3,
        mistakes=("locustfile.py:7: Shop.on_start did nothing for 2 s",),
        also=("The event spawning_complete is not fired",),
    ),
    "an end of the program, a value before it is there, a module in a task": Planted(
        text="""
        import sys
        from locust import HttpUser, task
        class Shop(HttpUser):
            @task
            def over(self): sys.exit(1)
            @task
            def page(self):
                self.client.get(page)
                page = "/"
            @task
            def people(self):
                import fakerz
                self.client.get("/", params={"q": fakerz.name()})
        """,
        code=3,
        mistakes=(
            "Shop.over fails: SystemExit",
            "Shop.page fails: UnboundLocalError",
            "locustfile.py:12: Shop.people fails: ModuleNotFoundError",
        ),
    ),
}
