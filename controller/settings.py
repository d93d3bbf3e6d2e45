"""What the command line says about where things are: one frozen value, read by `cli` and `app` alone.

No policy of a plugin is in here (that is the PluginConfig's), and nothing that is read from a file. The defaults are
the command line's (`cli.defaults`).
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Exactly one of `config` (local mode) and `pluginconfig` (in a cluster) is set.

    `namespace` and `kubeconfig` are for the cluster; None: as the pod has them. `http` is HOST:PORT; `grace` is in
    seconds, from SIGTERM until nothing is left.
    """

    plugin_dir: Path
    state_dir: Path
    run_dir: Path
    http: str
    grace: float
    config: Path | None = None
    pluginconfig: str | None = None
    namespace: str | None = None
    kubeconfig: Path | None = None
    secrets_dirs: tuple[Path, ...] = ()
