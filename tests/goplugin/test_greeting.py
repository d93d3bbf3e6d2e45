"""The plugin's side of the handshake, by values."""

import pytest

from controller.goplugin.greeting import NO_COOKIE, NO_HOST, NO_TLS, GreetingError, check_host, choose_version, line


@pytest.mark.parametrize(
    ("key", "value", "environ", "said"),
    [
        ("K", "v", {}, NO_HOST),
        ("K", "v", {"K": "V"}, NO_HOST),
        ("K", "v", {"K": "v "}, NO_HOST),
        ("", "v", {"": "v"}, NO_COOKIE),
        ("K", "", {"K": ""}, NO_COOKIE),
        ("K", "v", {"K": "v", "PLUGIN_CLIENT_CERT": "-----BEGIN"}, NO_TLS),
    ],
)
def test_who_is_no_host_of_this_kind_is_told_so(key: str, value: str, environ: dict[str, str], said: str) -> None:
    with pytest.raises(GreetingError) as caught:
        check_host(key, value, environ)
    assert str(caught.value) == said


def test_a_host_of_this_kind_is_served() -> None:
    check_host("K", "v", {"K": "v", "PLUGIN_CLIENT_CERT": ""})


@pytest.mark.parametrize(
    ("ours", "theirs", "chosen"),
    [
        ([1], "1", 1),
        ([1, 3, 2], "1,2", 2),
        ([1, 2, 3], "3,1", 3),
        ([2, 3], "1", 2),
        ([2, 3], "", 2),
        ([9, 10], "9,10", 10),
    ],
)
def test_the_highest_version_in_common_is_served_and_else_the_lowest(ours: list[int], theirs: str, chosen: int) -> None:
    assert choose_version(ours, {"PLUGIN_PROTOCOL_VERSIONS": theirs}) == (chosen, "")


def test_a_host_that_names_no_versions_gets_the_lowest() -> None:
    assert choose_version([2, 3], {}) == (2, "")


def test_versions_that_cannot_be_read_are_skipped_with_a_note() -> None:
    version, note = choose_version([1, 2], {"PLUGIN_PROTOCOL_VERSIONS": " 2,x,1,\u0662"})
    assert version == 1
    assert note.count("\n") == 1
    assert "' 2', 'x', '\u0662'" in note


@pytest.mark.parametrize(("environ", "end"), [({}, "grpc|\n"), ({"PLUGIN_MULTIPLEX_GRPC": "true"}, "grpc||false\n")])
def test_multiplexing_is_declined_only_to_who_asks(environ: dict[str, str], end: str) -> None:
    assert line(3, "/s", environ) == f"1|3|unix|/s|{end}"
