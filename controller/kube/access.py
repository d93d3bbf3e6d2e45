"""Where the API server is and how to prove who we are: found in the pod, or in a kubeconfig. Asks the server nothing.

In the pod, everything is in the service account's directory; outside, kubernetes' own loader reads the kubeconfig,
with whatever helper program it names.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from kubernetes.aio.client import ApiClient, Configuration

from controller.errors import PluginmgrError
from controller.kube.kubeconfig import Kubeconfig
from controller.kube.request import Observe, Signing
from controller.kube.server import Server
from controller.kube.token import Token

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
USER_AGENT = f"pluginmgr/{version('pluginmgr')}"
_STRICT = "PLUGINMGR_X509_STRICT"


class AccessError(PluginmgrError):
    """Neither a service account nor a kubeconfig that can be used."""


@dataclass(frozen=True, slots=True)
class Access:
    """The way to one API server, usable from every thread and loop. `namespace` is where the credentials belong."""

    server: Server
    namespace: str
    signing: Signing

    @classmethod
    def find(cls, kubeconfig: Path | None, environ: Mapping[str, str], observe: Observe = lambda *_: None) -> "Access":
        """The kubeconfig if one is named, else the pod's service account, else the usual kubeconfig.

        No loop may be running. `observe` is told of every request, on the thread that made it.

        Raises:
            AccessError: there is none, or it cannot be used.
        """
        is_strict = environ.get(_STRICT, "true").lower() not in {"false", "0", "no"}
        if kubeconfig is None and environ.get("KUBERNETES_SERVICE_HOST"):
            return _in_pod(environ, observe, is_strict=is_strict)
        return _outside(Kubeconfig.named(kubeconfig, environ), observe, is_strict=is_strict)

    async def token(self) -> str:
        """The bearer token of now; "" where a certificate says who we are."""
        return await self.signing.token.get()

    def ssl_context(self) -> ssl.SSLContext:
        """A new context with the authorities of now; they can change while we run."""
        return self.server.ssl_context()

    def api_client(self) -> ApiClient:
        """A client of the kubernetes package for the running loop; to be closed by the caller.

        It never retries, and no request without a `_request_timeout` ends in less than five minutes.
        """
        # Without `trust_env`: it looks for proxies and a ~/.netrc in threads, at each request.
        configuration = Configuration(client_session_kwargs={"middlewares": (self.signing,), "trust_env": False})
        self.server.configure(configuration)
        client = ApiClient(configuration)
        client.user_agent = USER_AGENT
        return client


def _in_pod(environ: Mapping[str, str], observe: Observe, *, is_strict: bool) -> Access:
    directory = Path(environ.get("PLUGINMGR_SERVICEACCOUNT_DIR", SERVICE_ACCOUNT))
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ.get("KUBERNETES_SERVICE_PORT", "443")
    authority, token_file = directory / "ca.crt", directory / "token"

    async def read() -> str:
        # Not in a thread: it is in memory, and this may run in a loop that ends in a moment.
        return token_file.read_text(encoding="utf-8").strip()

    server = Server(
        url=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        authority=str(authority),
        is_strict=is_strict,
    )
    try:
        namespace = (directory / "namespace").read_text(encoding="utf-8").strip()
        token_file.read_bytes()
        server.ssl_context()
    except OSError as error:
        raise AccessError(
            f"cannot use the service account in {directory}: {error.filename or authority}: {error.strerror}; "
            "is its token mounted into this container?"
        ) from error
    return Access(server, namespace, Signing(Token(read), observe))


def _outside(kubeconfig: Kubeconfig, observe: Observe, *, is_strict: bool) -> Access:
    try:
        loaded = asyncio.run(kubeconfig.load())
        server = Server.of(loaded.configuration, is_strict=is_strict)
        server.ssl_context()
    except OSError as error:
        raise AccessError(f"cannot use kubeconfig {kubeconfig.path}: {error}") from error
    signing = Signing(Token(kubeconfig.token), observe, server.name)
    return Access(server, loaded.namespace, signing)
