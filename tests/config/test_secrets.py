import os

import pytest

from controller.config.secrets import Secrets, UnreadableError


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "secrets").mkdir()
    return tmp_path / "secrets"


def read(path, *directories):
    return Secrets({}, map(str, directories)).value_of({"name": "A", "fromFile": str(path)})


def why_not(path, *directories):
    with pytest.raises(UnreadableError) as caught:
        read(path, *directories)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"s3cret", "s3cret"),
        (b"s3cret\n", "s3cret"),
        (b"s3cret\r\n", "s3cret"),
        (b"a\nb\n\n", "a\nb\n"),
        (b"\n", ""),
        (b"a\r", "a\r"),
    ],
)
def test_one_line_break_at_the_end_of_a_secret_goes(directory, content, value):
    (directory / "token").write_bytes(content)
    assert read(directory / "token", directory) == value


def test_bytes_that_are_not_utf8_reach_the_plugin_as_they_are(directory):
    (directory / "token").write_bytes(b"\xff\xfe\x80")
    assert os.fsencode(read(directory / "token", directory)) == b"\xff\xfe\x80"


def test_a_kubernetes_secret_volume_is_followed_through_its_own_links(directory):
    (directory / "..2026").mkdir()
    (directory / "..2026" / "token").write_text("s3cret")
    (directory / "..data").symlink_to("..2026")
    (directory / "token").symlink_to("..data/token")
    assert read(directory / "token", directory) == "s3cret"


def test_a_secret_outside_of_the_allowed_directories_is_not_read(directory, tmp_path):
    (tmp_path / "other").write_text("other")
    (tmp_path / "secrets-too").mkdir()
    (tmp_path / "secrets-too" / "token").write_text("other")
    for path in (tmp_path / "other", directory / ".." / "other", tmp_path / "secrets-too" / "token", directory):
        assert "is not in a directory given with --secrets-dir" in why_not(path, directory) or path == directory
    assert "none is allowed" in why_not(tmp_path / "other")


def test_a_link_out_of_the_allowed_directory_is_not_followed(directory, tmp_path):
    (tmp_path / "other").write_text("other")
    (directory / "token").symlink_to(tmp_path / "other")
    assert "is not in a directory given with --secrets-dir" in why_not(directory / "token", directory)


def test_an_allowed_directory_may_itself_be_a_link(directory, tmp_path):
    (directory / "token").write_text("s3cret")
    (tmp_path / "link").symlink_to(directory)
    assert read(tmp_path / "link" / "token", tmp_path / "link") == "s3cret"


def test_what_is_no_readable_file_is_told_by_its_path(directory):
    os.mkfifo(directory / "pipe")
    (directory / "large").write_bytes(b"x" * (64 * 1024 + 1))
    (directory / "nul").write_bytes(b"a\0b")
    (directory / "loop").symlink_to("loop")
    assert why_not(directory / "gone", directory) == f"{directory}/gone: No such file or directory"
    assert why_not(directory / "pipe", directory) == f"{directory}/pipe is no regular file"
    assert why_not(directory, directory).startswith(f"{directory}")
    assert why_not(directory / "large", directory) == f"{directory}/large is larger than 64 KiB"
    assert "NUL byte" in why_not(directory / "nul", directory)
    assert why_not(directory / "loop", directory).startswith(f"{directory}/loop")


def test_a_secret_of_the_largest_size_is_read(directory):
    (directory / "large").write_bytes(b"x" * 64 * 1024)
    assert len(read(directory / "large", directory)) == 64 * 1024


def test_secrets_know_when_what_they_read_has_changed(directory):
    secrets = Secrets({}, [str(directory)])
    entry = {"name": "A", "fromFile": str(directory / "token")}
    with pytest.raises(UnreadableError):
        secrets.value_of(entry)
    assert secrets.is_fresh()
    (directory / "token").write_text("one")
    assert not secrets.is_fresh()


def test_one_resolution_sees_one_content_of_a_file(directory):
    (directory / "token").write_text("one")
    secrets = Secrets({}, [str(directory)])
    entry = {"name": "A", "fromFile": str(directory / "token")}
    assert secrets.value_of(entry) == "one"
    (directory / "token").write_text("two")
    assert secrets.value_of(entry) == "one"


def test_a_variable_of_the_controllers_own_is_passed_on_or_named():
    secrets = Secrets({"REGION": "eu"}, ())
    assert secrets.value_of({"name": "A", "fromEnv": "REGION"}) == "eu"
    with pytest.raises(UnreadableError, match="the controller's environment has no ZONE"):
        secrets.value_of({"name": "A", "fromEnv": "ZONE"})
