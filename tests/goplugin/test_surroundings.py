"""What a plugin is started with: its environment, its limits, its sockets' modes, the links of its chain."""

import os
import re

import pytest

from controller.goplugin import Failure, LaunchError, Limits, chain
from tests.goplugin.place import TAG, Place


async def test_the_socket_is_opened_for_the_group(place: Place) -> None:
    plugin = place.write(
        "import os, plugin_base as base\n"
        "plugin = base.Plugin().listen()\n"
        "os.chmod(plugin.path, 0o700)\n"
        "base.announce(plugin.path)\n"
        "plugin.wait()\n"
    )
    async with place.launch(plugin) as session:
        assert os.stat(session.address).st_mode & 0o777 == 0o660  # noqa: PTH116 no pathlib in a coroutine


async def test_no_file_is_opened_for_the_group_because_a_plugin_names_it(place: Place) -> None:
    secret = place.root / "secret"
    secret.touch(0o600)
    link = place.sockets / "link"
    link.symlink_to(secret)
    for named in (secret, link):
        with pytest.raises(LaunchError):
            async with place.launch("says", env={"ZOO_LINE": f"1|1|unix|{named}|grpc"}, start_timeout=0.3):
                pytest.fail("it came up")
    assert secret.stat().st_mode & 0o777 == 0o600


async def test_the_environment_is_what_was_given_and_the_protocols(place: Place) -> None:
    plugin = place.write("import os\nfor each in os.environ.items():\n    print(each, file=sys.stderr)\n")
    with pytest.raises(LaunchError) as caught:
        async with place.launch(plugin, env={"PLUGIN_MULTIPLEX_GRPC": "true", "X": "y", "PLUGIN_MIN_PORT": "1"}):
            pytest.fail("it came up")
    environ = dict(eval(line) for line in caught.value.tail)
    assert re.fullmatch(re.escape(TAG) + r"/\d+", "GOPLUGIN_TEST=" + environ.pop("GOPLUGIN_TEST"))
    environ.pop("LC_CTYPE", None)  # Python's own doing
    assert environ == {
        "PATH": os.environ["PATH"],
        "X": "y",
        "ZOO_PLUGIN": "please",
        "PLUGIN_MIN_PORT": "10000",
        "PLUGIN_MAX_PORT": "25000",
        "PLUGIN_PROTOCOL_VERSIONS": "1",
        "PLUGIN_UNIX_SOCKET_DIR": str(place.sockets),
        "TMPDIR": str(place.sockets),
    }


async def test_limits_hold_from_the_first_instruction_of_the_program(place: Place) -> None:
    plugin = place.write(
        "import resource\n"
        "for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):\n"
        "    print(resource.getrlimit(kind), file=sys.stderr)\n"
    )
    with pytest.raises(LaunchError) as caught:
        async with place.launch(plugin, limits=Limits(open_files=100, file_size=12345)):
            pytest.fail("it came up")
    assert caught.value.tail == ("(100, 100)", "(12345, 12345)", "(0, 0)")


async def test_a_missing_link_of_the_chain_is_said(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:

    chain._find.cache_clear()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LaunchError, match="setpriv is not on PATH") as caught:
        async with place.launch("silence"):
            pytest.fail("it came up")
    assert caught.value.failure is Failure.SPAWN_FAILED
    assert place.pids == []


async def test_a_file_that_only_the_kernel_can_refuse_is_told_from_an_exit(place: Place) -> None:
    # A 32-bit file of the same family passes the look at its header; what the kernel says then counts.
    program = place.root / "old"
    program.write_bytes(b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x02\x00\x03\x00\x01\x00\x00\x00" + bytes(100))
    program.chmod(0o755)
    with pytest.raises(LaunchError) as caught:
        async with place.launch(program):
            pytest.fail("it came up")
    assert caught.value.failure is Failure.WRONG_ARCHITECTURE
