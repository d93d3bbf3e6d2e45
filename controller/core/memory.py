"""What survives a restart of the controller: holds and last good versions (rule 6).

Values only; writing them down is the shell's.
"""

from types import MappingProxyType

from controller.core.facts import Digest
from controller.core.index import Index
from controller.core.model import Memory, Plugin, PluginKey, Policy, Remembered, State, Target, Version

NOTHING = Remembered()


def initial(policy: Policy, memory: Memory, first_worker: int = 1) -> State:
    """Return the state to begin with: nothing seen, nothing wanted. Worker ids count from `first_worker` on."""
    return State(policy=policy, memory=MappingProxyType(dict(memory)), index=Index(next_worker=first_worker))


def remember(state: State) -> dict[PluginKey, Remembered]:
    """Return what the next life should know, what this one has not come to yet included."""
    known = {key: of_plugin(plugin) for key, plugin in state.plugins.items()}
    return {key: value for key, value in sorted({**state.memory, **known}.items()) if value != NOTHING}


def of_plugin(plugin: Plugin) -> Remembered:
    """Return what is worth remembering of one plugin. `pluginmgr restart` is counted anew in each life."""
    held = None if plugin.held is None else first_of(plugin.held)
    good = plugin.last_good
    return Remembered(held, None if good is None else Target(first_of(good.version), good.binary, good.launch))


def first_of(version: Version) -> Version:
    """Return the version as the next life will number it."""
    return Version(version.digest, version.launch)


def digests_in_use(state: State) -> frozenset[Digest]:
    """Return the digests of all binaries that run, may run again, or are remembered: the store must keep them."""
    found = {value.last_good.version.digest for value in state.memory.values() if value.last_good is not None}
    for plugin in state.plugins.values():
        found.update(worker.version.digest for worker in plugin.workers.values())
        targets = (plugin.decision, plugin.last_good, *(r.target for r in (plugin.serving, plugin.candidate) if r))
        found.update(target.version.digest for target in targets if isinstance(target, Target))
    return frozenset(found)
