"""Which statuses are stale: decided on plain values."""

from hypothesis import given
from hypothesis import strategies as st

from controller.kube.collector import GRACE, absences, is_orphan, stale
from controller.kube.report import Reader, Report
from tests.kube.reported import plugin, pod_status


def report(pod: str, owner: str = "") -> Report:
    return Reader().read(pod_status(pod, plugin("x"), owner=owner))


def after(seconds: float, *reports: Report, pods=None, was=None) -> list[str]:
    """The stale ones when nothing changed for so long since the first look."""
    absent = absences(was or {}, reports, pods or {}, now=100.0)
    absent = absences(absent, reports, pods or {}, now=100.0 + seconds)
    return [each.pod for each in stale(reports, absent, 100.0 + seconds)]


def test_a_status_is_stale_when_its_pod_has_been_gone_for_the_grace():
    assert after(GRACE, report("a", "u1"), report("b", "u2"), report("c"), pods={"a": "u1"}) == ["b", "c"]


def test_a_status_that_has_just_been_made_survives_a_list_of_pods_that_is_behind():
    assert after(GRACE - 0.1, report("a", "u1")) == []
    absent = absences({}, [report("a", "u1")], {}, now=100.0)
    assert stale([report("a", "u1")], absent, now=100.0) == []


def test_a_pod_made_again_under_the_same_name_has_not_written_the_status_of_the_one_before():
    assert after(GRACE, report("web-0", "old"), pods={"web-0": "new"}) == ["web-0"]


def test_a_status_that_nobody_owns_belongs_to_the_pod_of_its_name():
    assert after(GRACE, report("a"), pods={"a": "whatever"}) == []


def test_a_pod_that_comes_back_to_the_list_begins_anew():
    mine = [report("a", "u1")]
    absent = absences({}, mine, {}, now=100.0)
    absent = absences(absent, mine, {"a": "u1"}, now=105.0)
    absent = absences(absent, mine, {}, now=106.0)
    assert stale(mine, absent, now=100.0 + GRACE) == []
    assert stale(mine, absent, now=106.0 + GRACE) == mine


names = st.sampled_from("abcde")
worlds = st.tuples(
    st.dictionaries(names, st.sampled_from(["", "u1", "u2"])),  # statuses with their owners
    st.dictionaries(names, st.sampled_from(["u1", "u2"])),  # live pods
    st.floats(0.1, 6.0),  # until the next look
)


@given(st.lists(worlds, max_size=12))
def test_whatever_is_stale_has_been_without_its_pod_at_every_look_of_the_grace(history):
    now, absent, looks = 0.0, {}, []
    for statuses, pods, seconds in history:
        now += seconds
        reports = [report(name, owner) for name, owner in statuses.items()]
        absent = absences(absent, reports, pods, now)
        looks.append((now, {each.pod: is_orphan(each, pods) for each in reports}))
        for each in stale(reports, absent, now):
            within = [orphans for at, orphans in looks if at > now - GRACE + 1e-9]
            assert all(orphans.get(each.pod) for orphans in within)
            assert looks[0][0] <= now - GRACE + 1e-9
