"""Where things are when nobody says."""

from pathlib import Path

import pytest

from controller.cli import defaults


@pytest.mark.parametrize(
    ("environ", "uid", "path"),
    [
        ({}, 0, "/var/lib/pluginmgr"),
        ({"HOME": "/home/me"}, 1000, "/home/me/.local/state/pluginmgr"),
        ({}, 1000, "/.local/state/pluginmgr"),
        ({"XDG_STATE_HOME": "/x"}, 1000, "/x/pluginmgr"),
        ({"XDG_STATE_HOME": "/x"}, 0, "/x/pluginmgr"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, 1000, "/h/.local/state/pluginmgr"),
        ({"XDG_STATE_HOME": ""}, 0, "/var/lib/pluginmgr"),
    ],
)
def test_the_state_dir(environ, uid, path):
    assert defaults.state_dir(environ, uid) == Path(path)


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({}, "/run/pluginmgr"),
        ({"XDG_RUNTIME_DIR": "/run/user/1"}, "/run/user/1/pluginmgr"),
        ({"XDG_RUNTIME_DIR": "x"}, "/run/pluginmgr"),
    ],
)
def test_the_run_dir(environ, path):
    assert defaults.run_dir(environ) == Path(path)
