"""Hands on the node itself: what no container may do to another, a kernel or an operator with root may.

A privileged pod in a namespace of its own that sees the node's processes: the tests' tool, no part of the product.
"""

from typing import Any

from tests.node.deployment import SAMPLE_IMAGE
from tests.node.kubectl import SECONDS, Kubectl

NAME = "hands"
OF_CONTAINER = "grep -l {id} /proc/[0-9]*/cgroup 2>/dev/null | cut -d/ -f3"


class Hands:
    """Kills what is in a container, from outside."""

    def __init__(self, kubectl: Kubectl) -> None:
        self._kubectl = kubectl

    def reach_out(self) -> None:
        """Start the pod."""
        container = {
            "name": NAME,
            "image": SAMPLE_IMAGE,
            "command": ["sh", "-c", "trap exit TERM; while :; do sleep 3600 & wait; done"],
            "securityContext": {"privileged": True, "runAsUser": 0},
        }
        spec = {"hostPID": True, "terminationGracePeriodSeconds": 1, "containers": [container]}
        self._kubectl.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": NAME}, "spec": spec})
        self._kubectl.run("wait", "--for=condition=Ready", f"pod/{NAME}", f"--timeout={SECONDS:g}s")

    def kill(self, container: Any, *, all_of_it: bool) -> None:
        """SIGKILL to the container's first process, or to every one as the kernel does."""
        found = OF_CONTAINER.format(id=container["containerID"].partition("//")[2])
        first = "" if all_of_it else " | sort -n | head -1"
        killed = self._kubectl.exec(NAME, NAME, "sh", "-c", f"kill -9 $({found}{first}) 2>/dev/null; echo $?")
        assert all_of_it or killed == "0\n"  # of all, some are gone by themselves when the first one is
