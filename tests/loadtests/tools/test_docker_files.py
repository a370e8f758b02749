from loadtests.tools import docker_files


def test_what_was_added_and_changed_is_listed_and_what_was_deleted_is_not() -> None:
    text = "C /srv\nC /srv/shop\nA /srv/shop/a note.db\nD /etc/motd\n"

    assert docker_files.parse_diff(text) == ("/srv", "/srv/shop", "/srv/shop/a note.db")
    assert docker_files.parse_diff("") == ()


def test_only_volumes_without_a_name_belong_to_one_container() -> None:
    anonymous = "ab" * 32
    text = (
        f'[{{"Type": "volume", "Name": "{anonymous}", "Destination": "/data"}},'
        ' {"Type": "volume", "Name": "shop_uploads", "Destination": "/uploads"},'
        ' {"Type": "bind", "Source": "/srv", "Destination": "/code"}]'
    )

    assert docker_files.parse_own_volumes(text) == ("/data (a volume of its own)",)
    assert docker_files.parse_own_volumes("null") == ()


def test_command_lines() -> None:
    assert docker_files.diff_argv("c1") == ("docker", "diff", "c1")
    assert docker_files.remove_argv("c1") == ("docker", "rm", "--force", "--volumes", "c1")
