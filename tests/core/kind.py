"""The world turned kind: supervisors and hosts that do what they are asked, and what must be there in the end."""

from controller.core.events import Drained, Started, Stopped
from controller.core.model import Config, Off, Phase, Refused, Reported, State, Target
from tests.core.hostile import Outside, serving_set


class KindWorld:
    """Mixed into the hostile world."""

    outside: Outside
    state: State
    config: Config
    files: dict[str, dict[str, str]]

    def obey(self, *, works=False):
        """Supervisors and hosts do what they are asked, until nothing is asked any more; ids are all different."""
        while True:
            processes = dict(self.outside.processes)
            going = [w for w, p in processes.items() if p.is_stopping or p.is_killed or p.is_lost]
            draining = [w for w in processes if works and self.phase(w) is Phase.DRAINING]
            starting = [w for w in processes if works and self.phase(w) is Phase.STARTING]
            for worker in going:
                del self.outside.processes[worker]
                self.outside.send(Stopped(worker))
            for worker in draining:
                self.outside.send(Drained(worker))
            for worker in starting:
                if self.phase(worker) is Phase.STARTING:
                    self.outside.processes[worker].is_up = True
                    reported = self.reported(processes[worker].plugin, worker)
                    self.outside.send(Started(worker, 1, reported))
            if not going and not draining and not starting:
                return

    def phase(self, worker):
        plugin = self.state.plugins.get(self.state.index.owners.get(worker))
        return None if plugin is None else plugin.workers[worker].phase

    def reported(self, key, worker):
        """Report what the version reported before, else an id that nobody else has."""
        plugin = self.state.plugins[key]
        for one in (plugin.serving, plugin.candidate):
            if one is not None and one.reported is not None and worker in {slot.worker for slot in one.slots}:
                return one.reported
        return Reported(f"{key} {plugin.workers[worker].version.digest[:6]} {plugin.workers[worker].version.launch}")

    def check_settled(self):
        named = {
            f"{kind.name}/{name}"
            for kind in self.config.kinds.values()
            for name, flags in kind.plugins.items()
            if flags.enabled and name not in kind.hinted
        }
        found = {f"{k.name}/{n}" for k in self.config.kinds.values() for n in self.files[k.directory]}
        assert set(self.state.plugins) == named | found
        for plugin in self.state.plugins.values():
            assert plugin.candidate is None
            match plugin.decision:
                case Target(version):
                    assert plugin.serving.target.version == version
                    assert len(serving_set(plugin)) == plugin.spec.workers
                    assert len(plugin.workers) == plugin.spec.workers
                    assert plugin.duplicate is None
                case Refused():
                    if plugin.duplicate is not None:  # rightly: the holder reported the id before the world turned
                        holder = self.state.plugins[plugin.duplicate.holder]
                        assert holder.serving.reported.id == plugin.duplicate.id
                    assert len(plugin.workers) == (plugin.spec.workers if plugin.serving else 0)
                case Off():
                    assert plugin.workers == {}
        refused = {plugin.key for plugin in self.state.plugins.values() if plugin.duplicate is not None}
        assert {key for claim in self.state.index.ids.values() for key in claim.waiting} == refused
