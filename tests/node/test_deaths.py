"""Deaths: of the sidecar, of a plugin that takes too much, of all at once as the kernel does it."""

import json

from tests.node.deployment import KIND, Wish

GREEDY = [{"name": "ZOO_MAX_MB", "value": "600"}, {"name": "ZOO_REST_MS", "value": "8000"}]  # long enough to be noted
PATIENT = ["--callers=8", "--idempotent", "--timeout=60s"]


def test_a_killed_sidecar_comes_back_with_its_plugins_and_the_app_recovers_by_itself(sample, hands, figure):
    pod = sample.deploy(Wish(app=PATIENT))
    app = sample.follow(pod, "app")
    app.until(event="second", fits=lambda each: each["calls"] > 100)
    before = _workers(app)
    hands(sample.node(pod)).kill(sample.container(pod, "pluginmgr"), all_of_it=False)
    figure("sidecar killed: the longest that a call waited", _recovered(sample, pod, app, before), "s", limit=30)
    figure("sidecar killed: failed calls that may be tried twice", _failed(app), "", limit=0)
    assert sample.container(pod, "app")["restartCount"] == 0
    assert sample.container(pod, "pluginmgr")["restartCount"] == 1
    assert "PreviousRunKilled" in sample.ask(pod, "history")


def test_a_plugin_over_its_memory_limit_is_replaced_and_named(sample, figure):
    greedy = {"env": GREEDY, "limits": {"memory": "64Mi"}}
    pod = sample.deploy(Wish({"echo": {"required": True, "workers": 2}, "greedy": greedy}))
    app = sample.follow(pod, "app")

    def verdict():
        return (sample.plugin(pod, "greedy").get("lastExit") or {}).get("reason") == "MemoryLimit"

    sample.kubectl.until(verdict, "a MemoryLimit")
    sample.kubectl.until(lambda: sample.plugin(pod, "greedy")["restarts"], "a successor")
    (note,) = sample.kubectl.until(lambda: sample.told(pod, "MemoryLimit"), "an Event")[:1]
    assert f"{KIND}/greedy" in note
    assert "is over limits.memory of 64 MiB" in note
    assert sample.container(pod, "pluginmgr")["restartCount"] == 0
    app.until(event="second", after=2)
    figure("a plugin over limits.memory: failed calls of its neighbour", _failed(app), "", limit=0)


def test_after_the_kernel_ran_out_of_memory_the_culprit_is_named(sample, figure):
    """cgroup v1: the kernel kills the largest process, and now and then a second one. v2: the whole container."""
    small = {"resources": {"limits": {"memory": "256Mi"}, "requests": {"memory": "128Mi"}}}
    wish = Wish({"echo": {"required": True}, "greedy": {"env": GREEDY}}, app=PATIENT, sidecar=small)
    pod = sample.deploy(wish)

    def named():
        if sample.container(pod, "pluginmgr")["restartCount"]:
            return f"the largest plugin was {KIND}/greedy" in sample.ask(pod, "history")
        return (sample.plugin(pod, "greedy").get("lastExit") or {}).get("signal") == 9

    sample.kubectl.until(named, "who it was")
    print(json.dumps(sample.plugin(pod, "greedy"), indent=1))


def test_after_the_kernel_killed_the_whole_container_the_post_mortem_names_the_largest(sample, hands, figure):
    """What cgroup v2 does, by hand."""
    large = {"env": [{"name": "ZOO_MAX_MB", "value": "160"}]}
    pod = sample.deploy(Wish({"echo": {"required": True}, "large": large}, app=PATIENT))
    app = sample.follow(pod, "app")
    record = "/var/lib/pluginmgr/post-mortem.json"

    def largest():
        first = json.loads(sample.kubectl.exec(pod, "pluginmgr", "cat", record))["largest"][:1]
        return first and first[0]["plugin"] == f"{KIND}/large" and first[0]["resident"] > 160 << 20

    sample.kubectl.until(largest, "a record of the largest plugin")
    before = _workers(app)
    hands(sample.node(pod)).kill(sample.container(pod, "pluginmgr"), all_of_it=True)
    figure(
        "all in the sidecar killed: the longest that a call waited", _recovered(sample, pod, app, before), "s", limit=30
    )
    verdict = f"the largest plugin was {KIND}/large (1"
    assert verdict in sample.ask(pod, "history")
    sample.kubectl.until(lambda: any(verdict in note for note in sample.told(pod, "PreviousRunKilled")), "an Event")


def _recovered(sample, pod, app, before):
    """Wait until calls are answered by workers of a new sidecar; how long the slowest one took that was caught."""
    sample.kubectl.until(lambda: sample.container(pod, "pluginmgr")["restartCount"] == 1, "a restart of the sidecar")
    app.until(event="second", fits=lambda each: each["calls"] > 100 and not before & set(each["workers"]))
    return max(each["max_ms"] for each in app.records(event="second")) / 1000


def _workers(app):
    return {worker for each in app.records(event="second") for worker in each["workers"]}


def _failed(app):
    return sum(each["failed"] for each in app.records(event="second"))
