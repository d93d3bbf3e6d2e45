"""What keeps the controller from being ready."""

from controller.core.readiness import missing
from tests.core.world import World, kind, spec


def test_readiness_waits_for_config_first_scan_and_every_required_plugin():
    world = World()
    assert missing(world.state) == ("no config was read yet",)
    world.configure(
        kind({"a": spec(required=True), "z": spec(required=True, enabled=False)}, default=spec(required=True))
    )
    assert missing(world.state) == (
        "directory /plugins/rule of kind rule was not scanned yet",
        "required rule/a has not served yet",
    )
    world.scan(a="one", b="one")
    assert missing(world.state) == ("required rule/a has not served yet", "required rule/b has not served yet")
    a, b = world.starts()
    world.started(b)
    world.started(a)
    assert missing(world.state) == ()
    world.failed(a)
    assert missing(world.state) == ()


def test_a_required_plugin_without_a_file_keeps_the_controller_unready():
    world = World()
    world.configure(a=spec(required=True))
    world.scan()
    assert missing(world.state) == ("required rule/a has not served yet",)


def test_what_is_not_required_keeps_nobody_waiting():
    world = World()
    world.configure(a=spec(), b=spec(required=True, enabled=False))
    world.scan(a="one", b="one")
    assert missing(world.state) == ()
