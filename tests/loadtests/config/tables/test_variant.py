from loadtests.cli import choices
from loadtests.config.tables import variant
from loadtests.servers import own_command
from loadtests.servers.registry import SERVERS


def test_a_command_may_have_what_its_server_fills_in() -> None:
    assert set(variant.PLACES) == set(own_command.PLACEHOLDERS)


def test_every_server_and_each_of_its_kinds_of_workers_can_be_named() -> None:
    known = choices.known()

    # A server without worker models is only recognised; a command of one's own is no name.
    named = {name for name, server in SERVERS.items() if server.worker_models}
    assert set(known.servers) == named - {own_command.SERVER.name}
    for server in SERVERS.values():
        modes = {model.mode or model.name for model in server.worker_models}
        assert modes == set(known.servers.get(server.name, ()))
