"""What the hostile world is made of: flags, entries and files, drawn so that the interesting cases are common."""

from hypothesis import strategies as st

from controller.core.model import Config, Restart, SecretUnavailable, UpdateTimes, YamlRejected
from tests.core.world import digest, launch, spec

KINDS = ("matcher", "rule")
PATHS = ("/plugins/rule", "/plugins/matcher", "/plugins/elsewhere")
NAMES = ("a", "b", "c")
CONTENTS = ("one", "two", "three")

flags = st.builds(
    lambda enabled, workers, secret, pins, drain, min_ready, probation, calm, required: spec(
        enabled=enabled,
        workers=workers,
        launch=secret,
        pins=frozenset(digest(pin) for pin in pins),
        update=UpdateTimes(drain, min_ready, probation),
        restart=Restart(0.5, 8.0, calm),
        required=required,
    ),
    st.sampled_from((True, True, True, False)),
    st.integers(0, 3),
    st.sampled_from((launch("p"), launch("p"), launch("q"), SecretUnavailable("no token"), YamlRejected("line 1"))),
    st.sampled_from(((), (), ("one",), ("two", "three"))),
    st.sampled_from((0.0, 5.0, 60.0)),
    st.sampled_from((0.0, 1.0)),
    st.sampled_from((0.0, 10.0, 60.0)),
    st.sampled_from((0.0, 5.0, 60.0)),
    st.booleans(),
)
entries = st.dictionaries(st.sampled_from(NAMES), flags, max_size=3)
files = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(CONTENTS), max_size=3)


def path_for(config: Config, name: str, pick: int) -> str:
    """Return a directory for a kind: mostly its own, never one that another kind has."""
    taken = {kind.directory for other, kind in config.kinds.items() if other != name}
    free = [path for path in PATHS if path not in taken]
    own = f"/plugins/{name}"
    return own if own in free and pick <= 15 else free[pick % len(free)]
