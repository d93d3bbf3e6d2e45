"""The sample Deployment with the shipped sidecar component, as a user's kustomization puts them together."""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.node.kubectl import SECONDS, Kubectl
from tests.node.log import Log, Record

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
IMAGE = os.environ.get("PLUGINMGR_IMAGE", "pluginmgr:0.1.0")
SAMPLE_IMAGE = os.environ.get("PLUGINMGR_SAMPLE_IMAGE", "pluginmgr-sample:1")
NAME = "sample"
KIND = "sample"
HANDSHAKE = {"cookieKey": "ZOO_PLUGIN", "cookieValue": "please", "protocolVersions": [1]}
CALL = ("--run-dir=/run/pluginmgr", "--host=app", f"--key={KIND}/echo", "--method=/zoo.Echo/Call", "--pause=10ms")

Entries = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a test wants of its Deployment. `plugins`: entries of the PluginConfig by name; each is a copy of echo."""

    plugins: Entries = field(default_factory=lambda: {"echo": {"required": True, "workers": 2}})
    app: Sequence[str] = ("--callers=8",)
    replicas: int = 1
    grace: int = 30
    sidecar: Mapping[str, Any] = field(default_factory=dict)  # fields of its container that differ
    volume: str = "plugins-copy"  # the component that brings the plugins


class Sample:
    """The Deployment in its namespace."""

    def __init__(self, kubectl: Kubectl, scratch: Path) -> None:
        self.kubectl = kubectl
        self.scratch = scratch
        self._logs: list[Log] = []

    def deploy(self, wish: Wish) -> str:
        """Apply it, wait until it is available; returns the (first) pod's name."""
        self.begin(wish)
        self.kubectl.run("rollout", "status", f"deployment/{NAME}", f"--timeout={SECONDS:g}s")
        return self.pods()[0]

    def begin(self, wish: Wish) -> str:
        """Apply it and wait for a pod's name only."""
        self.configure(wish.plugins)
        patches = [_patch(wish)]
        kustomize(self.kubectl, [ROOT / "tests/node/sample"], ["sidecar", wish.volume], patches)
        names: list[str] = self.kubectl.until(self.pods, "a pod")
        return names[0]

    def configure(self, plugins: Entries) -> None:
        """Write the PluginConfig."""
        entries = [{"name": name, **fields} for name, fields in plugins.items()]
        spec = {"kinds": [{"name": KIND, "handshake": HANDSHAKE, "plugins": entries}]}
        head = {"apiVersion": "pluginmgr.dev/v1alpha1", "kind": "PluginConfig", "metadata": {"name": NAME}}
        self.kubectl.apply(head | {"spec": spec})

    def pods(self) -> list[str]:
        """Those that are not on their way out, oldest first."""
        found = self.kubectl.get("pods", "-l", f"app.kubernetes.io/name={NAME}")
        alive = [each["metadata"] for each in found if "deletionTimestamp" not in each["metadata"]]
        return [each["name"] for each in sorted(alive, key=lambda each: each["creationTimestamp"])]

    def follow(self, pod: str, container: str) -> Log:
        """Its log from the beginning."""
        return self._listen("logs", "--follow", pod, "-c", container)

    def hear(self, pod: str, plugin: str) -> Log:
        """What one of its plugins says, from the first line that is kept."""
        ask = ("pluginmgr", "logs", "--follow", "-o", "json", f"{KIND}/{plugin}")
        return self._listen("exec", pod, "-c", "pluginmgr", "--", *ask)

    def _listen(self, *args: str) -> Log:
        made = Log(self.kubectl, self.scratch, *args)
        self._logs.append(made)
        return made

    def node(self, pod: str) -> str:
        """Where it runs."""
        name: str = self.kubectl.get("pod", pod)["spec"]["nodeName"]
        return name

    def container(self, pod: str, name: str) -> Any:
        """What Kubernetes says of one container."""
        status = self.kubectl.get("pod", pod)["status"]
        every = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
        return next(each for each in every if each["name"] == name)

    def ask(self, pod: str, *command: str) -> str:
        """What `pluginmgr` in the sidecar says; nothing if nobody answers it."""
        return self.kubectl.attempt("exec", pod, "-c", "pluginmgr", "--", "pluginmgr", *command).stdout

    def status(self, pod: str) -> Record:
        """Its PluginPodStatus' status; empty as long as there is none."""
        done = self.kubectl.attempt("get", "pluginpodstatus", pod, "-o", "json")
        return json.loads(done.stdout)["status"] if done.returncode == 0 else {}

    def plugin(self, pod: str, name: str) -> Record:
        """One plugin's entry in it; empty as long as there is none."""
        every = self.status(pod).get("plugins", [])
        return next((each for each in every if each["name"] == name), {})

    def told(self, pod: str, reason: str) -> list[str]:
        """What the pod's Events of this reason say, as `kubectl describe pod` shows them."""
        found = self.kubectl.get("events.events.k8s.io", "--field-selector", f"reason={reason}")
        return [each["note"] for each in found if each["regarding"]["name"] == pod]

    def publish(self, pod: str, name: str, version: str) -> None:
        """Rename other bytes that do the same into place."""
        new, place = f"/plugins/{KIND}/.{name}.new", f"/plugins/{KIND}/{name}"
        self.kubectl.exec(
            pod, "publisher", "sh", "-c", f"cp {place} {new} && echo {version} >> {new} && mv {new} {place}"
        )

    def diagnosis(self) -> str:
        """What to look at when a test has failed."""
        asked = (
            ("describe", "pods", "-l", f"app.kubernetes.io/name={NAME}"),
            ("logs", f"deployment/{NAME}", "-c", "pluginmgr", "--tail=40"),
            ("logs", f"deployment/{NAME}", "-c", "app", "--tail=5"),
        )
        return "\n".join(done.stdout + done.stderr for done in (self.kubectl.attempt(*each) for each in asked))

    def close(self) -> None:
        """Remove all, and wait until it is gone."""
        for each in self._logs:
            each.close()
        self.kubectl.run("delete", f"deployment/{NAME}", "--ignore-not-found")
        self.kubectl.run("delete", "pods", "-l", f"app.kubernetes.io/name={NAME}", "--grace-period=1")


def kustomize(
    kubectl: Kubectl, resources: Sequence[Path], components: Sequence[str] = (), patches: Sequence[Any] = ()
) -> None:
    """`kubectl apply -k` of a kustomization in a directory of its own, with our images."""
    with tempfile.TemporaryDirectory() as directory:
        here = Path(directory).resolve()
        paths = [DEPLOY / "components" / each for each in components]
        document = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [os.path.relpath(each, here) for each in resources],
            "components": [os.path.relpath(each, here) for each in paths],
            "patches": [{"patch": json.dumps(each)} for each in patches],
            "images": [_image("pluginmgr", IMAGE), _image("plugins", SAMPLE_IMAGE), _image("sample", SAMPLE_IMAGE)],
        }
        (here / "kustomization.yaml").write_text(json.dumps(document))
        kubectl.run("apply", "-k", str(here))


def _image(name: str, reference: str) -> dict[str, str]:
    repository, _, tag = reference.rpartition(":")
    return {"name": name, "newName": repository, "newTag": tag}


def _patch(wish: Wish) -> dict[str, Any]:
    copying = []
    if wish.volume == "plugins-copy":
        echo = f"/plugins/{KIND}/echo"
        more = [f"cp {echo} /copy/{KIND}/{name}" for name in wish.plugins if name != "echo"]
        script = " && ".join(["cp -R /plugins/. /copy/", *more])
        copying = [{"name": "pluginmgr-plugins", "command": ["sh", "-c", script]}]
    template = {
        "terminationGracePeriodSeconds": wish.grace,
        "containers": [{"name": "app", "args": [*CALL, *wish.app]}],
        "initContainers": [*copying, {"name": "pluginmgr", **wish.sidecar}],
    }
    head = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME}}
    return head | {"spec": {"replicas": wish.replicas, "template": {"spec": template}}}
