"""Memory of the sidecar's container, as the kernel counts it."""

from tests.node.deployment import Wish

STAT = "cat /sys/fs/cgroup/memory.stat /sys/fs/cgroup/memory/memory.stat 2>/dev/null; true"
USAGE = "cat /sys/fs/cgroup/memory.current /sys/fs/cgroup/memory/memory.usage_in_bytes 2>/dev/null; true"
RESIDENT = "grep VmRSS /proc/1/status"
MANY = 20


def measure(sample, pod):
    """MiB: all; without what the kernel can drop at once (the kubelet's working set); without files; the controller."""
    stat = dict(line.split() for line in sample.kubectl.exec(pod, "pluginmgr", "sh", "-c", STAT).splitlines())
    usage = int(sample.kubectl.exec(pod, "pluginmgr", "sh", "-c", USAGE))
    anonymous = int(stat.get("anon") or stat["rss"])
    controller = int(sample.kubectl.exec(pod, "pluginmgr", "sh", "-c", RESIDENT).split()[1]) * 1024
    return [each / 2**20 for each in (usage, usage - int(stat["inactive_file"]), anonymous, controller)]


def test_memory_idle_and_with_twenty_plugins(sample, figure):
    pod = sample.deploy(Wish({"echo": {"required": True}, "off": {"enabled": False}}))
    sample.configure({"echo": {"enabled": False}})
    sample.kubectl.until(lambda: sample.plugin(pod, "echo").get("state") == "Disabled", "a disabled plugin")
    _say(figure, "no plugin", measure(sample, pod), limit=105)
    sample.close()
    every = {"echo": {"required": True}} | {f"p{number}": {"required": True} for number in range(1, MANY)}
    pod = sample.deploy(Wish(every, app=["--callers=1", "--pause=1s"]))
    _say(figure, f"{MANY} plugins in Go", measure(sample, pod))


def _say(figure, what, measured, limit=None):
    usage, working, anonymous, controller = measured
    figure(f"sidecar container, {what}: all that the kernel counts", usage, "MiB")
    figure(f"sidecar container, {what}: working set", working, "MiB", limit=limit)
    figure(f"sidecar container, {what}: anonymous", anonymous, "MiB")
    figure(f"sidecar container, {what}: resident size of the controller", controller, "MiB")
