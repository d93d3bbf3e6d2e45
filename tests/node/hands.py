"""Hands on a node itself: what no container may do to another, a kernel or an operator with root may.

A privileged pod in a namespace of its own that sees the node's processes: the tests' tool, no part of the product.
"""

from typing import Any

from tests.node.deployment import SAMPLE_IMAGE
from tests.node.kubectl import SECONDS, Kubectl

NAME = "hands"
ROOT = "/proc/1/root"  # the node's own
OF_CONTAINER = "grep -l {id} /proc/[0-9]*/cgroup 2>/dev/null | cut -d/ -f3"


class Hands:
    """On one node: the scheduler's choice, or the one named."""

    def __init__(self, kubectl: Kubectl, node: str | None = None) -> None:
        self._kubectl = kubectl
        self._pod = f"{NAME}-{node}" if node else NAME
        container = {
            "name": NAME,
            "image": SAMPLE_IMAGE,
            "command": ["sh", "-c", "trap exit TERM; while :; do sleep 3600 & wait; done"],
            "securityContext": {"privileged": True, "runAsUser": 0},
        }
        spec = {"hostPID": True, "terminationGracePeriodSeconds": 1, "containers": [container], "nodeName": node}
        kubectl.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": self._pod}, "spec": spec})
        kubectl.run("wait", "--for=condition=Ready", f"pod/{self._pod}", f"--timeout={SECONDS:g}s")

    @property
    def node(self) -> str:
        """Its name."""
        name: str = self._kubectl.get("pod", self._pod)["spec"]["nodeName"]
        return name

    def do(self, script: str) -> str:
        """What a shell there prints, as root."""
        return self._kubectl.exec(self._pod, NAME, "sh", "-c", script)

    def kill(self, container: Any, *, all_of_it: bool) -> None:
        """SIGKILL to the container's first process, or to every one as the kernel does."""
        found = OF_CONTAINER.format(id=container["containerID"].partition("//")[2])
        first = "" if all_of_it else " | sort -n | head -1"
        killed = self.do(f"kill -9 $({found}{first}) 2>/dev/null; echo $?")
        assert all_of_it or killed == "0\n"  # of all, some are gone by themselves when the first one is
