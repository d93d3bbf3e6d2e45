"""Which binaries the store must keep: a view of the state."""

from controller.core.model import Digest, Plugin, State, Target


def digests_in_use(state: State) -> frozenset[Digest]:
    """Serving, candidate, draining, wanted, last good, remembered: everything that may run (again)."""
    found = {digest for plugin in state.plugins.values() for digest in _of_plugin(plugin)}
    found |= {each.last_good.version.digest for each in state.memory.values() if each.last_good}
    return frozenset(found)


def _of_plugin(plugin: Plugin) -> set[Digest]:
    targets = [each.target for each in (plugin.serving, plugin.candidate) if each]
    targets += [each for each in (plugin.last_good, plugin.decision) if isinstance(each, Target)]
    return {target.version.digest for target in targets} | {each.version.digest for each in plugin.workers.values()}
