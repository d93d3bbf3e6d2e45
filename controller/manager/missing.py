"""Which plugins the pod waits for, by name. The core only counts them, so that a step costs the same with thousands."""

from collections.abc import Iterable

from controller.core.model import Condition, Plugin
from controller.core.reasons import Reason

_NAMED = 3


def with_names(condition: Condition, missing: Iterable[Plugin]) -> str:
    """The message of one of the pod's conditions: that of Ready tells the first of the missing, and why."""
    names = [f"{plugin.kind}/{plugin.name} ({_why(plugin)})" for plugin in missing]
    if condition.reason is not Reason.NOT_ALL_READY or not names:
        return condition.message
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{condition.message}: {', '.join(names[:_NAMED])}{more}"


def _why(plugin: Plugin) -> str:
    return next((str(each.reason) for each in plugin.conditions if each.type == "Ready"), "")
