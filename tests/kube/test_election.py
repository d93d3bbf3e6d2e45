"""Two who want one lease: never two who write, whatever their clocks say and whoever is held up."""

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.kube.election import DURATION, STOP, Held, Move, Watched, held, move, released, seen, taken

FREE = Held("", "", DURATION, 0, "1")


def lease(holder="other", renewed="2026-01-01T00:00:00.000000Z", transitions=3) -> Held:
    return Held(holder, renewed, DURATION, transitions, "7")


def test_a_lease_is_over_when_it_was_not_seen_to_change_for_its_duration():
    watched = seen(None, lease(), now=10.0)
    assert move(watched, "me", 10.0 + DURATION) is Move.WAIT
    assert move(watched, "me", 10.1 + DURATION) is Move.TAKE


def test_a_renewal_begins_the_time_anew_whatever_it_says_the_time_is():
    watched = seen(None, lease(renewed="2099-01-01T00:00:00.000000Z"), now=10.0)
    watched = seen(watched, lease(renewed="1999-01-01T00:00:00.000000Z"), now=20.0)
    assert watched.since == 20.0
    assert move(watched, "me", 20.0 + DURATION) is Move.WAIT


def test_the_same_lease_goes_on_ageing_though_others_write_to_its_object():
    watched = seen(seen(None, lease(), now=10.0), replace(lease(), resource_version="8"), now=20.0)
    assert (watched.since, watched.held.resource_version) == (10.0, "8")


def test_a_lease_given_back_is_taken_at_once():
    assert move(seen(None, lease(holder=""), now=10.0), "me", 10.0) is Move.TAKE
    assert move(seen(None, lease(holder="me"), now=10.0), "me", 10.0) is Move.RENEW


def test_a_change_of_hands_is_counted_and_a_renewal_is_not():
    one = taken("me", lease(), "now")
    assert one["spec"]["leaseTransitions"] == 4
    assert one["spec"]["acquireTime"] == "now"
    again = taken("me", lease(holder="me"), "now")
    assert again["spec"]["leaseTransitions"] == 3
    assert "acquireTime" not in again["spec"]
    assert taken("me", None, "now")["spec"]["leaseTransitions"] == 0
    assert released(lease(holder="me"), "now")["spec"]["holderIdentity"] == ""


def test_an_empty_lease_reads_as_free():
    assert held({"metadata": {"resourceVersion": "1"}}) == FREE


@dataclass
class Server:
    """The one object, with what makes concurrent changes fail."""

    held: Held | None = None
    version: int = 0

    def change(self, part, expected: Held | None) -> Held | None:
        if (self.held is None) != (expected is None):
            return None
        if self.held is not None and expected is not None and self.held.resource_version != expected.resource_version:
            return None
        self.version += 1
        spec = part["spec"]
        transitions = spec.get("leaseTransitions", self.held.transitions if self.held else 0)
        self.held = Held(
            spec["holderIdentity"], spec["renewTime"], DURATION, transitions, resource_version=str(self.version)
        )
        return self.held


@dataclass
class Candidate:
    """What kube/lease.py does, with a clock of its own that may be far off and requests that take their time."""

    name: str
    offset: float
    server: Server
    watched: Watched | None = None
    until: float = float("-inf")
    waiting: list[tuple[float, object, Held | None]] = field(default_factory=list)

    def turn(self, real: float, delay: float) -> None:
        now = real + self.offset
        if self.server.held is not None:
            self.watched = seen(self.watched, self.server.held, now)
            if move(self.watched, self.name, now) is Move.WAIT:
                return
        before = self.watched.held if self.server.held is not None and self.watched is not None else None
        self.waiting.append((real + delay, (taken(self.name, before, f"{now}"), now), before))

    def arrive(self, real: float) -> None:
        """What was under way gets to the server now, or has not yet."""
        for due in [each for each in self.waiting if each[0] <= real]:
            self.waiting.remove(due)
            part, asked_at = due[1]
            if (changed := self.server.change(part, due[2])) is not None:
                self.watched = Watched(changed, asked_at)
                self.until = asked_at + STOP

    def release(self, real: float) -> None:
        if self.server.held is not None and self.server.held.holder == self.name:
            self.until = float("-inf")
            self.server.change(released(self.server.held, f"{real}"), self.server.held)

    def is_held(self, real: float) -> bool:
        return real + self.offset < self.until


steps = st.tuples(
    st.sampled_from(["turn", "turn", "turn", "release"]),
    st.integers(0, 1),  # whose
    st.floats(0.0, 4.0),  # how long after the step before
    st.sampled_from([0.0, 0.1, 2.9]),  # how long the request takes
)


@given(st.lists(steps, max_size=60), st.floats(-600, 600))
@settings(max_examples=200, deadline=None)
def test_never_two_hold_it_though_their_clocks_differ_by_minutes(moves, skew):
    server = Server()
    pair = (Candidate("a", 0.0, server), Candidate("b", skew, server))
    real = 0.0
    for what, who, wait, delay in moves:
        real += wait
        for each in pair:
            each.arrive(real)
        if what == "turn":
            pair[who].turn(real, delay)
        else:
            pair[who].release(real)
        for each in pair:
            each.arrive(real)
        assert not (pair[0].is_held(real) and pair[1].is_held(real))
