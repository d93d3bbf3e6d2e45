"""Hosts of other users: who shares the run dir's group comes in and calls, who does not is kept out by file modes.

The controller, its plugins and the hosts are three users with one supplementary group in common, as a pod with an
fsGroup has them.
"""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.e2e.follow import ROOT
from tests.e2e.rig import Rig

CONTROLLER, HOST, STRANGER, GROUP = 12001, 12002, 12003, 12000


def who(uid, *groups):
    return {"user": uid, "group": uid, "extra_groups": list(groups)}


def python_for_all():
    """An interpreter of this version that every user may run."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for path in (sys.executable, f"/usr/bin/python{version}", f"/usr/local/bin/python{version}"):
        check = [path, "-c", f"import sys; sys.path[:0] = {sys.path[1:]!r}; import grpc, yaml, google.protobuf"]
        try:
            if subprocess.run(check, cwd="/", capture_output=True, check=False, **who(HOST)).returncode == 0:
                return path
        except OSError:
            continue
    pytest.skip(f"no Python {version} here that other users may run")


@pytest.fixture
def python():
    if os.geteuid() != 0:
        pytest.skip("only root may be somebody else")
    return python_for_all()


@pytest.fixture(params=[0o2770, 0o2750], ids=oct)
def shared(python, request):
    """A controller that runs as a user of its own, in directories that are its own, with a run dir of the group."""
    root, run = (Path(tempfile.mkdtemp(prefix="pm")) for _ in range(2))
    made = Rig(root, run)
    made.install("echo")
    made.configure()
    root.chmod(0o755)
    os.chown(root, CONTROLLER, CONTROLLER)
    os.chown(run, CONTROLLER, GROUP)
    run.chmod(request.param)
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
    line = [python, *made.command()[1:]]
    with made.log.open("ab") as log:
        made.process = subprocess.Popen(
            line, env=env, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, **who(CONTROLLER, GROUP)
        )
    yield made
    made.close()
    for each in (root, run):
        shutil.rmtree(each, ignore_errors=True)


@pytest.mark.go
def test_a_host_of_another_user_in_the_group_calls_and_one_outside_is_kept_out(shared, python, follow):
    shared.until_served("echo")
    (worker,) = (each["worker"] for each in shared.plugin("echo")["processes"])
    (socket,) = (path for path in (shared.run / worker).iterdir() if path.is_socket())
    for path, mode in ((shared.run / "registry.sock", 0o660), (shared.run / worker, 0o2750), (socket, 0o660)):
        info = path.stat()
        assert (stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid) == (mode, CONTROLLER, GROUP), path

    member = follow(shared.run, "member", python=python, **who(HOST, GROUP))
    member.hears(worker)
    assert member.call() == worker

    knock = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    for path in (shared.run / "registry.sock", socket):
        done = subprocess.run(
            [python, "-c", knock, str(path)], cwd="/", capture_output=True, text=True, check=False, **who(STRANGER)
        )
        assert "PermissionError" in done.stderr
    assert shared.http("/metrics")[1].count("pluginmgr_hosts 1.0") == 1


@pytest.mark.go
def test_a_stranger_that_gets_to_the_socket_is_refused_and_waits_in_vain(shared, python, follow):
    """The modes were loosened by hand: the door looks at the caller itself."""
    shared.until_served("echo")
    shared.run.chmod(0o2755)
    (shared.run / "registry.sock").chmod(0o666)
    stranger = follow(shared.run, "stranger", python=python, **who(STRANGER))
    shared.until(lambda _: shared.records("host refused"))
    assert f"uid {STRANGER} is not in the group {GROUP}" in shared.records("host refused")[0]["why"]
    assert stranger.lines == []
