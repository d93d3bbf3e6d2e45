"""What the component makes of a Deployment: one of ours, one that has things of its own, one that wants no sidecar."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from controller.cli import _parser as parser
from controller.kube.pod import Pod
from tests.deploy.render import DEPLOY, ROOT, VARIANTS, Manifest, containers, manifests, one, pod_template

pytestmark = pytest.mark.go
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"


@pytest.fixture(params=VARIANTS)
def template(request: pytest.FixtureRequest) -> Manifest:
    """The pod template of an example."""
    return pod_template(manifests(DEPLOY / "examples" / request.param))


@pytest.fixture
def sidecar(template: Manifest) -> Manifest:
    return containers(template)["pluginmgr"]


def arguments(container: Manifest) -> list[str]:
    """What kubelet would give it, with its environment's values put in."""
    values = {each["name"]: each.get("value", f"value-of-{each['name']}") for each in container["env"]}
    return [re.sub(r"\$\((\w+)\)", lambda found: values[found[1]], each) for each in container["args"]]


def mounts(container: Manifest) -> dict[str, str]:
    return {each["name"]: each["mountPath"] for each in container.get("volumeMounts", ())}


def test_the_sidecar_starts_after_the_copying_and_before_the_app() -> None:
    names = list(containers(pod_template(manifests(DEPLOY / "examples/copy"))))
    assert names == ["pluginmgr-plugins", "pluginmgr", "detector"]


def test_the_sidecar_is_a_native_one(sidecar: Manifest) -> None:
    """It gets SIGTERM after the app has ended, and drains then; a preStop hook would drain while the app calls."""
    assert sidecar["restartPolicy"] == "Always"
    assert "lifecycle" not in sidecar


def test_its_arguments_are_some_that_the_command_takes(sidecar: Manifest) -> None:
    args = parser().parse_args(arguments(sidecar))
    assert args.pluginconfig == "value-of-PLUGINMGR_CONFIG"
    assert mounts(sidecar) | {
        "pluginmgr-plugins": str(args.plugin_dir),
        "pluginmgr-state": str(args.state_dir),
        "pluginmgr-run": str(args.run_dir),
    } == mounts(sidecar)


def test_the_probes_ask_what_answers(sidecar: Manifest) -> None:
    (port,) = sidecar["ports"]
    assert f"--http=0.0.0.0:{port['containerPort']}" in sidecar["args"]
    asked = {kind: sidecar[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")}
    assert {kind: each["path"] for kind, each in asked.items()} == {
        "startup": "/readyz",
        "readiness": "/readyz",
        "liveness": "/livez",
    }
    assert {each["port"] for each in asked.values()} == {port["name"]}


def test_only_the_sidecar_has_a_token(template: Manifest) -> None:
    assert template["spec"]["automountServiceAccountToken"] is False
    having = {
        name: mounts(each)["pluginmgr-token"]
        for name, each in containers(template).items()
        if "pluginmgr-token" in mounts(each)
    }
    assert having == {"pluginmgr": TOKEN}
    (volume,) = (each for each in template["spec"]["volumes"] if each["name"] == "pluginmgr-token")
    files = {"serviceAccountToken": "token", "configMap": "ca.crt", "downwardAPI": "namespace"}
    for source in volume["projected"]["sources"]:
        ((kind, what),) = source.items()
        assert files.pop(kind) == (what["items"][0] if "items" in what else what)["path"]
    assert files == {}


def test_app_and_sidecar_meet_in_the_run_dir_and_nowhere_else(template: Manifest) -> None:
    app, sidecar = mounts(containers(template)["detector"]), mounts(containers(template)["pluginmgr"])
    assert app == {"pluginmgr-run": "/run/pluginmgr"}
    assert sidecar["pluginmgr-run"] == app["pluginmgr-run"]
    volumes = {each["name"]: each for each in template["spec"]["volumes"]}
    assert volumes["pluginmgr-run"]["emptyDir"]["medium"] == "Memory"
    assert "medium" not in volumes["pluginmgr-state"]["emptyDir"]
    assert all("sizeLimit" in volumes[f"pluginmgr-{name}"]["emptyDir"] for name in ("run", "state", "tmp"))
    assert template["spec"]["securityContext"]["fsGroup"] == 65532


def test_the_grace_fits_into_the_pods(template: Manifest) -> None:
    args = parser().parse_args(arguments(containers(template)["pluginmgr"]))
    assert args.grace < template["spec"].get("terminationGracePeriodSeconds", 30)


def test_the_aggregators_arguments_are_some_that_the_command_takes() -> None:
    aggregator = containers(pod_template(manifests(DEPLOY / "base")))["aggregator"]
    args = parser().parse_args(arguments(aggregator))
    assert args.namespace == "value-of-PLUGINMGR_POD_NAMESPACE"
    assert args.http == f"0.0.0.0:{aggregator['ports'][0]['containerPort']}"


def test_it_is_told_what_it_is(sidecar: Manifest) -> None:
    told = {each["name"]: each["valueFrom"]["fieldRef"]["fieldPath"] for each in sidecar["env"]}
    assert told == {
        "PLUGINMGR_CONFIG": "metadata.labels['pluginmgr.dev/config']",
        "PLUGINMGR_POD_NAME": "metadata.name",
        "PLUGINMGR_POD_NAMESPACE": "metadata.namespace",
        "PLUGINMGR_POD_UID": "metadata.uid",
    }
    assert Pod.find(told, "") == Pod("metadata.name", "metadata.namespace", "metadata.uid")


def test_all_images_are_of_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    texts = [path.read_text() for path in (*DEPLOY.rglob("*.yaml"), ROOT / "Dockerfile")]
    named = {
        found
        for text in texts
        for found in re.findall(
            r"pluginmgr:([\d.]+)$|image.version=\"([\d.]+)\"|pluginmgr\n\s+newTag: ([\d.]+)", text, re.MULTILINE
        )
    }
    assert {"".join(each) for each in named} == {version}
    assert len(named) == 3


def test_what_a_deployment_has_of_its_own_stays(tmp_path: Path) -> None:
    base = tmp_path / "app"
    base.mkdir()
    app = yaml.safe_load((DEPLOY / "examples/app/deployment.yaml").read_text())
    spec = app["spec"]["template"]["spec"]
    spec |= {
        "terminationGracePeriodSeconds": 90,
        "initContainers": [{"name": "migrate", "image": "migrate"}],
        "volumes": [{"name": "cache", "emptyDir": {}}],
    }
    other = {**app, "metadata": {"name": "other"}}
    stateful = {**app, "kind": "StatefulSet", "metadata": {"name": "stateful", "labels": app["metadata"]["labels"]}}
    base.joinpath("all.yaml").write_text(yaml.safe_dump_all([app, other, stateful]))
    up = Path(*[".."] * len(tmp_path.parts[1:]), "..", *DEPLOY.parts[1:], "components")
    base.joinpath("kustomization.yaml").write_text(
        yaml.safe_dump({"resources": ["all.yaml"], "components": [str(up / "sidecar"), str(up / "plugins-copy")]})
    )
    found = manifests(base)
    for made in (one(found, "Deployment", "detector"), one(found, "StatefulSet")):
        made_spec = made["spec"]["template"]["spec"]
        assert made_spec["terminationGracePeriodSeconds"] == 90
        assert list(containers(made["spec"]["template"])) == ["pluginmgr-plugins", "pluginmgr", "migrate", "detector"]
        assert "cache" in {each["name"] for each in made_spec["volumes"]}
    assert one(found, "Deployment", "other") == other
