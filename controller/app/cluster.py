"""What a cluster adds: who we are in it, where the config comes from. Local mode never imports this."""

from collections.abc import Callable, Mapping

from controller.config import CurrentConfig
from controller.core.events import PodNoted
from controller.kube.access import Access
from controller.kube.config_object import ConfigObject
from controller.kube.pod import Pod
from controller.settings import Settings


class Cluster:
    """The cluster's ends of one controller, all of them on one way to the API server."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        """Nothing is asked; raises AccessError if there is no way to an API server."""
        self._access = Access.find(settings.kubeconfig, environ)
        self.pod = Pod.find(environ, self._access.namespace)
        self._namespace = settings.namespace or self.pod.namespace
        self._name = settings.pluginconfig or ""

    def config_object(
        self, current: CurrentConfig, submit: Callable[[PodNoted], None], recovered: Callable[[], None]
    ) -> ConfigObject:
        """The source of the config."""
        return ConfigObject(self._access, self._namespace, self._name, current, submit, recovered)
