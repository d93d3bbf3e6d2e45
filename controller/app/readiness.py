"""The verdict behind `/readyz`, named check by named check: a view of the state."""

from controller.core.model import State
from controller.http import Check


def readiness(state: State) -> tuple[Check, ...]:
    """Config and first scan seen, every required plugin has served once, not shutting down (design: section 9)."""
    return (_config(state), _scan(state), _required(state), _staying(state))


def _config(state: State) -> Check:
    return _check("config", "" if state.config else "no valid config has been read yet")


def _scan(state: State) -> Check:
    kinds = state.config.kinds.values() if state.config else ()
    unseen = sorted(kind.directory for kind in kinds if kind.directory not in state.directories)
    return _check("scan", f"not scanned yet: {', '.join(unseen)}" if unseen else "")


def _required(state: State) -> Check:
    wanted = {
        f"{kind.name}/{name}"
        for kind in (state.config.kinds.values() if state.config else ())
        for name, spec in kind.plugins.items()
        if spec.required and spec.enabled
    }
    served = {key for key, plugin in state.plugins.items() if plugin.has_served}
    required = wanted | {key for key, plugin in state.plugins.items() if plugin.spec.required and plugin.spec.enabled}
    missing = sorted(required - served)
    return _check("required", f"have not served yet: {', '.join(missing)}" if missing else "")


def _staying(state: State) -> Check:
    return _check("staying", "shutting down" if state.shutdown_at is not None else "")


def _check(name: str, why: str) -> Check:
    return Check(name, ok=not why, why=why)
