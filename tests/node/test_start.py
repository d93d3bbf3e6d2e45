"""The startup probe: no app without its required plugins."""

from tests.node.deployment import Wish
from tests.node.log import seconds

SLOW = 4.0  # seconds until the plugin is up


def test_the_app_is_held_back_until_the_required_plugins_have_served(sample, figure):
    slow = {"required": True, "env": [{"name": "ZOO_START_MS", "value": f"{SLOW * 1000:.0f}"}]}
    pod = sample.deploy(Wish({"echo": {}, "slow": slow}))
    sidecar, app = sample.follow(pod, "pluginmgr"), sample.follow(pod, "app")
    listening = seconds(sidecar.until(message="listening"))
    served = seconds(sidecar.until(message="registered", name="slow"))
    begun = seconds(app.until(event="begun"))
    assert served - listening > SLOW
    assert begun > served
    figure("required plugin has served -> app has begun", begun - served, "s", limit=5)
    first = seconds(app.until(event="ready"))
    figure("app has begun -> it may call", first - begun, "s", limit=1)
