"""The ways to a real API server: a service account, a kubeconfig, certificates; and what is said when there is none."""

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest
from kubernetes.aio.client import CustomObjectsApi

from controller.kube import problem
from controller.kube.access import Access, AccessError
from controller.kube.names import CONFIGS, GROUP, VERSION
from tests.cluster.cluster import Cluster
from tests.cluster.namespace import Namespace
from tests.cluster.token_volume import TokenVolume

READ = {"apiGroups": [GROUP], "resources": [CONFIGS], "verbs": ["list"]}


async def listed(access: Access) -> object:
    async with access.api_client() as client:
        found = await CustomObjectsApi(client).list_namespaced_custom_object(
            GROUP, VERSION, access.namespace, CONFIGS, _request_timeout=5
        )
    return found["kind"]


@pytest.fixture
def token(namespace: Namespace) -> str:
    account = namespace.service_account()
    namespace.grant(account, READ)
    return namespace.token(account)


@pytest.fixture
def volume(namespace: Namespace, token: str, tmp_path: Path) -> TokenVolume:
    made = TokenVolume(tmp_path / "serviceaccount")
    made.write(token, namespace.cluster.ca.read_bytes(), namespace.name)
    return made


@pytest.fixture
def environ(cluster: Cluster, volume: TokenVolume) -> dict[str, str]:
    host, port = cluster.address
    return {
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": str(port),
        "PLUGINMGR_SERVICEACCOUNT_DIR": str(volume.directory),
    }


def test_a_service_account_gives_access(environ: dict[str, str], namespace: Namespace):
    access = Access.find(None, environ)
    assert access.namespace == namespace.name
    assert asyncio.run(listed(access)) == "PluginConfigList"


@pytest.mark.parametrize("is_named", [True, False])
def test_a_kubeconfig_gives_access(namespace: Namespace, token: str, tmp_path: Path, is_named):
    file = namespace.kubeconfig(tmp_path / "kubeconfig", token)
    access = Access.find(file, {}) if is_named else Access.find(None, {"KUBECONFIG": str(file)})
    assert access.namespace == namespace.name
    assert asyncio.run(listed(access)) == "PluginConfigList"


def test_a_kubeconfig_that_is_named_goes_before_the_service_account(cluster: Cluster, environ: dict[str, str]):
    access = Access.find(cluster.kubeconfig, environ)
    assert asyncio.run(access.token()) == cluster.token


@pytest.mark.parametrize("missing", ["token", "ca.crt", "namespace"])
def test_a_service_account_that_lacks_something_is_named(environ: dict[str, str], volume: TokenVolume, missing: str):
    (volume.directory / missing).unlink()
    with pytest.raises(AccessError, match=missing.replace(".", r"\.")):
        Access.find(None, environ)


@pytest.mark.parametrize("text", ["", "][", "clusters: []", "a: b"])
def test_a_kubeconfig_that_cannot_be_used_is_named(tmp_path: Path, text: str):
    (tmp_path / "kubeconfig").write_text(text)
    with pytest.raises(AccessError, match="cannot use kubeconfig"):
        Access.find(tmp_path / "kubeconfig", {})


def test_without_anything_the_usual_kubeconfig_is_missed(tmp_path: Path):
    with pytest.raises(AccessError, match=r"\.kube/config"):
        Access.find(None, {"HOME": str(tmp_path)})


async def test_an_authority_that_is_not_the_servers_is_named(cluster: Cluster):
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError) as caught:
            await session.get(cluster.server, ssl=ssl.create_default_context())
    assert problem.of_error(caught.value).startswith("the API server's certificate is not trusted (")


def test_the_letter_of_the_standard_can_be_left_out(environ: dict[str, str]):
    def strictness(**more: str) -> ssl.VerifyFlags:
        return Access.find(None, environ | more).ssl_context().verify_flags & ssl.VERIFY_X509_STRICT

    assert strictness() == ssl.create_default_context().verify_flags & ssl.VERIFY_X509_STRICT  # Python's own choice
    assert not strictness(PLUGINMGR_X509_STRICT="false")
    assert asyncio.run(listed(Access.find(None, environ | {"PLUGINMGR_X509_STRICT": "false"}))) == "PluginConfigList"
