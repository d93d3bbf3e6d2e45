"""What a cluster adds: who we are in it, where the config comes from, who is told. Local mode never imports this."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Self

from controller.app.status_writer import StatusDocument, StatusWriter
from controller.config import CurrentConfig
from controller.core.events import PodNoted
from controller.kube.access import Access
from controller.kube.config_object import ConfigObject
from controller.kube.pod import Pod
from controller.kube.pod_events import PodEvents
from controller.kube.rest import Rest
from controller.kube.status_object import StatusObject, write_window
from controller.manager.history import Entry
from controller.manager.status import meaning
from controller.metrics import ApiMetrics
from controller.settings import Settings

SETTLE = 0.2  # seconds; most edits have had their effect by then, and are one request


class Cluster:
    """The cluster's ends of one controller, all of them on one way to the API server; to be entered while they work.

    `source` is where the config comes from, `writer` writes the pod's status.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        current: CurrentConfig,
        submit: Callable[[PodNoted], None],
        document: Callable[[], StatusDocument],
    ) -> None:
        """Nothing is asked; raises AccessError if there is no way to an API server.

        Args:
            settings: which PluginConfig, and how to get to it.
            environ: says who we are.
            current: is told of the config.
            submit: gets what is wrong with the way to the API server.
            document: makes the status of this moment.
        """
        self.metrics = ApiMetrics()
        access = Access.find(settings.kubeconfig, environ, self.metrics.observe)
        self.pod = Pod.find(environ, access.namespace)
        self._rest = Rest(access)
        self._events = PodEvents(self._rest, self.pod, window=self._window)
        self._object = StatusObject(self._rest, self.pod, submit)
        self.writer = StatusWriter(document, self._object.write, meaning=meaning, settle=SETTLE, window=self._window)
        namespace, name = settings.namespace or self.pod.namespace, settings.pluginconfig or ""
        # An API server that was away may have lost what we wrote, and mostly has not.
        self.source = ConfigObject(access, namespace, name, current, submit, self._object.look)

    async def __aenter__(self) -> Self:
        await self._rest.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._rest.__aexit__(*error)

    def tell(self, entry: Entry) -> None:
        """Tell of what happened, if it is worth an Event."""
        self._events.take(entry)

    def works(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What has to run beside the source and the writer."""
        return {"status look": self._object.run(self.writer.again), "pod events": self._events.run()}

    def _window(self) -> float:
        return write_window(self.source.pods)
