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

Submit = Callable[[PodNoted], None]


class Cluster:
    """The cluster's ends of one controller, all of them on one way to the API server; to be entered while they work."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        """Nothing is asked; raises AccessError if there is no way to an API server."""
        self.metrics = ApiMetrics()
        self._access = Access.find(settings.kubeconfig, environ, self.metrics.observe)
        self.pod = Pod.find(environ, self._access.namespace)
        self._namespace = settings.namespace or self.pod.namespace
        self._name = settings.pluginconfig or ""
        self._rest = Rest(self._access)
        self._events = PodEvents(self._rest, self.pod, window=self._window)

    async def __aenter__(self) -> Self:
        await self._rest.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._rest.__aexit__(*error)

    def follow(self, current: CurrentConfig, submit: Submit) -> ConfigObject:
        """The source of the config."""
        self._config = ConfigObject(self._access, self._namespace, self._name, current, submit, self._recovered)
        return self._config

    def report(self, document: Callable[[], StatusDocument], submit: Submit) -> StatusWriter:
        """The writer of the pod's status."""
        self._object = StatusObject(self._rest, self.pod, submit)
        self._writer = StatusWriter(document, self._object.write, meaning=meaning, window=self._window)
        return self._writer

    def tell(self, entry: Entry) -> None:
        """Tell of what happened, if it is worth an Event."""
        self._events.take(entry)

    def works(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What has to run beside the source and the writer."""
        return {"status look": self._object.run(self._writer.again), "pod events": self._events.run()}

    def _window(self) -> float:
        return write_window(self._config.pods)

    def _recovered(self) -> None:
        """The API server was away, and may have lost what we wrote."""
        self._writer.again()
