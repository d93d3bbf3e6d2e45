"""What holds for every command: help, usage, exit codes, speed."""

import os
import subprocess
import sys

import pytest

from controller.cli import COMMANDS, main
from controller.errors import NoControllerError, PluginmgrError, StateDirError
from tests.cli.conftest import ROOT, environment, pluginmgr

HEAVY = ("grpc", "google", "kopf", "kubernetes", "rich", "yaml", "watchfiles", "asyncio", "http", "prometheus_client")


def test_help_names_every_command_and_exit_code():
    answer = pluginmgr("--help")
    assert answer.returncode == 0
    assert all(f"    {command} " in answer.stdout for command in COMMANDS)
    assert "exit codes" in answer.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    answer = pluginmgr(command, "--help")
    assert answer.returncode == 0
    assert f"usage: pluginmgr {command}" in answer.stdout


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom controller.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert answer.stderr.strip() == "[]"


def test_help_takes_hardly_longer_than_the_interpreter():
    """In seconds of processor time: the clock on the wall measures the neighbours."""

    def cost(*args: str) -> float:
        with subprocess.Popen(
            [sys.executable, *args], env=environment(), stdout=subprocess.DEVNULL, cwd=ROOT
        ) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return usage.ru_utime + usage.ru_stime

    both = [(cost("-c", "pass"), cost("-m", "controller", "--help")) for _ in range(9)]
    bare, ours = (sorted(costs)[4] * 1000 for costs in zip(*both, strict=True))
    print(f"--help {ours:.0f} ms, bare interpreter {bare:.0f} ms")
    assert ours < max(150, 5 * bare)


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["nonsense"],
        ["status", "rule"],
        ["status", "rule/"],
        ["status", "a/b/c"],
        ["status", "-o", "xml"],
        ["logs"],
        ["logs", "rule/x", "--previous", "--follow"],
        ["restart"],
        ["run"],
        ["run", "--plugin-dir", "x"],
        ["run", "--plugin-dir", "x", "--config", "y", "--pluginconfig", "z"],
        ["run", "--plugin-dir", "x", "--config", "y", "--namespace", "z"],
        ["run", "--plugin-dir", "x", "--config", "y", "--kubeconfig", "z"],
        ["run", "--plugin-dir", "x", "--config", "y", "--grace", "-1"],
        ["run", "--plugin-dir", "x", "--config", "y", "--grace", "nan"],
        ["run", "--plugin-d", "x", "--config", "y"],
        ["call"],
        ["call", "rule", "{}"],
        ["call", "rule/x", "{}", "--timeout", "0"],
        ["call", "rule/x", "{}", "-o", "yaml"],
        ["watch", "rule/x"],
        ["check"],
        ["check", "x", "--cookie", "novalue"],
        ["check", "x", "--env", "=x"],
        ["check", "x", "--protocol-version", "one"],
    ],
    ids=" ".join,
)
def test_bad_usage_ends_with_2_and_says_what(args, capsys):
    with pytest.raises(SystemExit) as caught:
        main(args)
    assert caught.value.code == 2
    assert "usage: pluginmgr" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"), [(PluginmgrError("why"), 2), (NoControllerError("why"), 3), (StateDirError("why"), 4)]
)
def test_an_expected_failure_is_one_line_and_its_exit_code(error, code, monkeypatch, capsys):
    def fail(_: object) -> int:
        raise error

    monkeypatch.setattr("controller.cli.history.run", fail)
    assert main(["history"]) == code
    assert capsys.readouterr().err == "pluginmgr: why\n"


def test_the_version_is_told():
    answer = pluginmgr("--version")
    assert answer.returncode == 0
    assert answer.stdout.startswith("pluginmgr ")


@pytest.mark.parametrize(
    "args",
    [
        ["status"],
        ["status", "rule/x"],
        ["logs", "rule/x"],
        ["logs", "rule/x", "-f"],
        ["history"],
        ["restart", "rule/x"],
        ["status", "--watch"],
    ],
    ids=" ".join,
)
def test_without_a_controller_every_question_ends_with_3(state_dir, args):
    (state_dir / "status.json").write_text('{"status": {"ready": true}}')
    answer = pluginmgr(*args, "--state-dir", state_dir)
    assert answer.returncode == 3
    assert answer.stdout == ""
    assert answer.stderr.startswith(f"pluginmgr: no controller answers at {state_dir}/control.sock: ")
    assert answer.stderr.count("\n") == 1


def test_a_dead_controllers_socket_does_not_look_alive(controller):
    controller.kill()
    answer = controller.ask("status")
    assert (answer.returncode, answer.stdout) == (3, "")
    assert "no controller answers" in answer.stderr


def test_a_reader_that_has_seen_enough_is_no_error(controller, follow):
    process = follow("history", "-o", "json")
    controller.remember(*({"time": "2020-01-01T00:00:00Z", "plugin": "a/b", "what": "x" * 1000} for _ in range(500)))
    process = follow("history", "-o", "json")
    process.stdout.close()
    assert process.wait(30) == 141
    assert process.stderr.read() == ""


def test_the_aggregator_says_what_it_needs_to_know_of_a_cluster(tmp_path):
    answer = pluginmgr("aggregate", "--http", "127.0.0.1:0", "--kubeconfig", str(tmp_path / "none"))
    assert answer.returncode == 2
    said = answer.stderr.splitlines()[-1]
    assert said.startswith("pluginmgr: ")
    assert str(tmp_path / "none") in said


def test_without_the_packages_of_the_cluster_the_aggregator_says_how_to_get_them():
    code = (
        "import sys\nsys.modules['kubernetes'] = sys.modules['aiohttp'] = None\n"
        "from controller.cli import main\nsys.exit(main(['aggregate']))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (answer.returncode, answer.stderr.endswith("install pluginmgr[cluster]\n")) == (2, True)
