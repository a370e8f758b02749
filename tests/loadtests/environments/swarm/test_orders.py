from dataclasses import replace
from typing import Any

from loadtests.environments.swarm.orders import Orders, ReplicaImage, of_sample
from loadtests.model.plan import Plan
from loadtests.planning.swarm_placement import place
from loadtests.servers.server import Command
from loadtests.tools.docker.swarm import ServiceOrder
from tests.loadtests.builders import make_plan
from tests.loadtests.planning.test_swarm_placement import a_node, nodes

PLAN = make_plan(workers=("gthread", "sync"), replica_counts=(1, 2))


def orders(plan: Plan = PLAN, **fields: Any) -> Orders:
    names = [worker.name for worker in plan.workers]
    defaults: dict[str, Any] = {
        "stack": "twfs-1",
        "run": "r1",
        "plan": plan,
        "placement": place(nodes(3), names, plan.replica_counts[-1]),
        "replica": of_sample(plan, app="sha256:app", app_servers=None, port=8000),
        "proxy_image": "sha256:proxy",
        "generator_image": "sha256:generator",
        "store_image": None,
        "settings": {},
    }
    return Orders(**defaults | fields)


def an_order_of(worker: str, number: int, **fields: Any) -> ServiceOrder:
    made = orders(**fields)
    model = next(each for each in made.plan.workers if each.name == worker)
    return made.replica_order(model, number)


def test_every_replica_is_a_service_of_its_own_with_its_limit() -> None:
    made = orders().replicas()

    assert [order.name for order in made] == [
        *("twfs-1_gthread-1", "twfs-1_gthread-2", "twfs-1_sync-1", "twfs-1_sync-2"),
    ]
    assert {order.cpus for order in made} == {0.1}
    assert len({order.alias for order in made}) == 4
    assert {order.node for order in made} == {"id2", "id3"}


def test_replicas_have_one_key_and_services_have_our_label() -> None:
    made = orders()

    assert len({order.env["SECRET_KEY"] for order in made.replicas()}) == 1
    for order in (*made.services(), *made.replicas()):
        assert order.labels["io.twofold.stack"] == "twfs-1"
        assert order.container_labels["io.twofold.run"] == "r1"
        assert order.container_labels["com.docker.compose.project"] == "twfs-1"


def test_each_idle_control_stands_beside_the_first_replica_with_its_budget() -> None:
    made = orders()
    controls = made.controls()

    assert [order.name for order in controls] == ["twfs-1_idle-0", "twfs-1_idle-1"]
    for control, worker in zip(controls, PLAN.workers, strict=True):
        replica = made.replica_order(worker, 1)
        assert (control.node, control.image, control.cpus) == (
            *(replica.node, replica.image, replica.cpus),
        )
        assert control.env == {}
        assert control.container_labels["com.docker.compose.service"].endswith(worker.name)
        assert "wsgiref.simple_server:demo_app" in " ".join(control.command)
    names = {order.alias for order in (*made.replicas(), *controls)}
    assert len(names) == len(made.replicas()) + len(controls)


def test_a_further_replica_is_on_the_node_of_the_first() -> None:
    assert an_order_of("sync", 3).node == an_order_of("sync", 1).node


def test_a_setting_reaches_one_replica_alone() -> None:
    made = orders(settings={"sync-2": {"FAULT": "slow"}}).replicas()

    assert [order.name for order in made if "FAULT" in order.env] == ["twfs-1_sync-2"]


def test_a_users_image_is_started_as_it_wants_to_be() -> None:
    replica = ReplicaImage(
        image={"gthread": "sha256:users"},
        commands={"gthread": Command(argv=("serve",), env={"A": "1"})},
        ports={"gthread": 5000},
        env={"B": "2"},
        is_users=True,
        memory_bytes=1024,
    )

    order = an_order_of("gthread", 1, plan=make_plan(), replica=replica)

    assert not order.hardened
    assert (order.image, order.command, order.tmpfs) == ("sha256:users", ("serve",), {})
    assert order.env == {"A": "1", "B": "2"}
    assert order.memory_bytes == 1024


def test_the_users_own_import_path_is_added_to_that_of_the_command() -> None:
    replica = ReplicaImage(
        image={"gthread": "sha256:users"},
        commands={"gthread": Command(argv=("serve",), env={"PYTHONPATH": "/srv/project"})},
        ports={"gthread": 8000},
        env={"PYTHONPATH": "lib"},
        is_users=True,
        memory_bytes=1024,
    )

    order = an_order_of("gthread", 1, plan=make_plan(), replica=replica)

    assert order.env["PYTHONPATH"] == "/srv/project:lib"


def test_the_store_is_reached_by_its_name_with_a_password_of_the_run() -> None:
    made = orders(
        store_image="sha256:store",
        placement=place(nodes(2), ("gthread",), 2, with_store=True),
        plan=make_plan(replica_counts=(1, 2)),
    )
    store = made.store()

    assert store is not None
    url = made.replicas()[0].env["DATABASE_URL"]
    assert f":{store.env['STORE_PASSWORD']}@store:5432" in url
    assert orders().store() is None


def test_a_long_variant_has_a_short_name_in_a_service() -> None:
    worker = replace(PLAN.workers[0], name="a" * 40)
    plan = replace(PLAN, workers=(worker,))

    order = orders(
        plan,
        replica=ReplicaImage(
            image={worker.name: "sha256:x"}, commands={}, ports={worker.name: 8000}
        ),
    ).replicas()[0]

    assert order.name == "twfs-1_v0-1"


def test_a_variants_own_variable_does_not_undo_what_its_command_adds_to_it() -> None:
    worker = replace(PLAN.workers[0], env={"GUNICORN_CMD_ARGS": "--bind :81", "A": "1"})
    command = Command(argv=(), env={**worker.env, "GUNICORN_CMD_ARGS": "--bind :81 --threads 4"})
    users = ReplicaImage(
        image={worker.name: "sha256:x"},
        commands={worker.name: command},
        ports={worker.name: 8000},
        is_users=True,
    )

    order = orders(replace(PLAN, workers=(worker,)), replica=users).replicas()[0]

    assert order.env == {"GUNICORN_CMD_ARGS": "--bind :81 --threads 4", "A": "1"}


def test_the_generator_is_a_service_on_each_of_its_nodes() -> None:
    several = (a_node(1), a_node(2, role="generator"), a_node(3, role="generator"))
    made = orders(placement=place(several, ("gthread", "sync"), 2)).services()

    found = [order for order in made if "generator" in order.name]
    assert [(order.name, order.node, order.alias) for order in found] == [
        ("twfs-1_generator", "id2", "generator"),
        ("twfs-1_generator_2", "id3", "generator_2"),
    ]
    numbers = [order.container_labels["com.docker.compose.container-number"] for order in found]
    assert numbers == ["1", "2"]
