"""What is counted, what is read, and that the documentation says so."""

import gc
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from controller.core.actions import Start
from controller.core.events import Failed, MemoryExceeded, Started, Stopped, Tick, Unhealthy
from controller.core.model import Condition, Config, Exit, Off, Phase, PluginKey, Slot, State, WorkerId
from controller.core.reasons import Reason
from controller.core.step import Step
from controller.metrics import ApiMetrics, PluginManagerMetrics, counts
from tests.metrics.conftest import plugin, ready, serving, state, target, worker

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
X = {"plugin": "rule/x"}


def degraded(*, status: bool, reason: Reason) -> tuple[Condition, ...]:
    return (*ready(status=True, reason=Reason.SERVING), Condition("Degraded", status, reason, "", 0.0))


def lost(reason: Reason) -> Exit:
    return Exit(reason, "it did", 0.0)


def test_a_plugins_series_exist_at_zero_once_it_is_known(bench):
    assert bench.value("plugin_starts_total", **X) is None
    bench.step(state(plugin()))
    for name in ("starts", "crashes", "restarts", "updates"):
        assert bench.value(f"plugin_{name}_total", **X) == 0
    for reason in ("Exited", "Killed", "Unhealthy", "MemoryLimit"):
        assert bench.value("plugin_exits_total", reason=reason, **X) == 0
    assert bench.value("plugin_start_latency_seconds_count", **X) == 0
    assert bench.value("plugin_drain_seconds_count", **X) == 0
    for name in ("active_subprocesses", "ready", "backoff_seconds", "resident_memory_bytes"):
        assert bench.value(f"plugin_{name}", **X) == 0


def test_a_plugin_has_a_series_for_what_degrades_it_only_while_it_does(bench):
    bench.step(state(plugin("rule/x", conditions=degraded(status=True, reason=Reason.ROLLED_BACK))))
    assert bench.value("plugin_degraded", reason="RolledBack", **X) == 1
    bench.step(state(plugin("rule/x", conditions=degraded(status=False, reason=Reason.AS_EXPECTED))))
    assert b"plugin_degraded{" not in bench.metrics.render("")[0]


def test_a_forgotten_plugin_has_no_series_and_begins_at_zero_when_it_is_back(bench):
    bench.step(state(plugin()), Tick(), Start(WorkerId("w1"), PluginKey("rule/x"), target(), plugin().spec))
    assert bench.value("plugin_starts_total", **X) == 1
    bench.step(state())
    assert b"rule/x" not in bench.metrics.render("")[0]
    bench.step(state(plugin()))
    assert bench.value("plugin_starts_total", **X) == 0


def test_a_start_is_timed_from_the_decision_to_ready(bench):
    bench.step(state(plugin("rule/x", worker(phase=Phase.STARTING, since=10.0))))
    bench.step(state(plugin("rule/x", worker(phase=Phase.READY, since=25.0))), Started(WorkerId("w1"), 1))
    assert bench.value("plugin_start_latency_seconds_sum", **X) == 15
    assert bench.value("plugin_start_latency_seconds_bucket", le="10.0", **X) == 0
    assert bench.value("plugin_start_latency_seconds_bucket", le="30.0", **X) == 1
    assert bench.value("plugin_start_latency_seconds_bucket", le="+Inf", **X) == 1


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (Failed(WorkerId("w1"), lost(Reason.EXITED)), "Exited"),
        (Unhealthy(WorkerId("w1"), lost(Reason.UNHEALTHY)), "Unhealthy"),
        (MemoryExceeded(WorkerId("w1"), 2.0, lost(Reason.MEMORY_LIMIT)), "MemoryLimit"),
    ],
)
def test_a_ready_worker_lost_is_a_crash_with_its_reason(bench, event, reason):
    bench.step(state(plugin("rule/x", worker())))
    bench.step(state(plugin("rule/x", worker(phase=Phase.STOPPING))), event)
    assert bench.value("plugin_crashes_total", **X) == 1
    assert bench.value("plugin_exits_total", reason=reason, **X) == 1


def test_a_failed_start_is_an_exit_and_no_crash(bench):
    bench.step(state(plugin("rule/x", worker(phase=Phase.STARTING))))
    bench.step(state(plugin("rule/x")), Failed(WorkerId("w1"), lost(Reason.WRONG_COOKIE)))
    assert bench.value("plugin_crashes_total", **X) == 0
    assert bench.value("plugin_exits_total", reason="WrongCookie", **X) == 1
    assert bench.value("plugin_start_latency_seconds_count", **X) == 0


def test_what_happens_to_a_worker_that_is_being_stopped_is_no_loss(bench):
    bench.step(state(plugin("rule/x", worker(phase=Phase.STOPPING))))
    bench.step(state(plugin("rule/x")), Failed(WorkerId("w1"), lost(Reason.EXITED)))
    assert bench.value("plugin_exits_total", reason="Exited", **X) == 0


def test_memory_that_is_reported_again_of_a_draining_worker_counts_once(bench):
    event = MemoryExceeded(WorkerId("w1"), 1.1, lost(Reason.MEMORY_LIMIT))
    bench.step(state(plugin("rule/x", worker())))
    bench.step(state(plugin("rule/x", worker(phase=Phase.DRAINING))), event)
    bench.step(state(plugin("rule/x", worker(phase=Phase.DRAINING), worker("w2"))), event)
    assert bench.value("plugin_exits_total", reason="MemoryLimit", **X) == 1


def test_a_drain_is_timed_also_when_the_worker_dies_in_it(bench):
    bench.step(state(plugin("rule/x", worker("w1", Phase.DRAINING, 90.0), worker("w2", Phase.DRAINING, 95.0))))
    bench.step(state(plugin("rule/x", worker("w1", Phase.STOPPING, 93.0), worker("w2", Phase.DRAINING, 95.0))))
    assert bench.value("plugin_drain_seconds_sum", **X) == 3
    bench.step(state(plugin("rule/x")), Stopped(WorkerId("w2")))
    assert bench.value("plugin_drain_seconds_sum", **X) == 8
    assert bench.value("plugin_drain_seconds_count", **X) == 2


def test_restarts_and_updates_are_counted_from_the_difference(bench):
    bench.step(state(plugin(serving=serving("a"))))
    bench.step(state(plugin(serving=serving("a"), restarts=2)))
    assert bench.value("plugin_restarts_total", **X) == 2
    assert bench.value("plugin_updates_total", **X) == 0
    bench.step(state(plugin(serving=serving("b"), restarts=2)))
    assert bench.value("plugin_updates_total", **X) == 1
    bench.step(state(plugin(serving=None, restarts=2)))
    bench.step(state(plugin(serving=serving("a"), restarts=2)))
    assert bench.value("plugin_updates_total", **X) == 1


def test_gauges_are_read_from_the_state(bench):
    waiting = replace(serving(), slots=(Slot(retry_at=103.0), Slot(retry_at=109.0)))
    workers = worker("w1"), worker("w2", Phase.STOPPING)
    bench.memory = {WorkerId("w1"): 1000, WorkerId("w2"): 500, WorkerId("w9"): 9}
    bench.step(
        state(
            plugin("rule/x", *workers, serving=waiting, conditions=ready(status=True, reason=Reason.SERVING)),
            plugin("rule/y", conditions=ready(status=False, reason=Reason.CRASH_LOOP)),
            plugin("rule/z", decision=Off(Reason.DISABLED), conditions=ready(status=False, reason=Reason.DISABLED)),
            config=Config(7, paused=False, kinds={}),
            conditions=(Condition("ConfigStale", None, Reason.CONFIG_STALE, "", 0.0),),
        )
    )
    assert bench.value("plugin_active_subprocesses", **X) == 2
    assert bench.value("plugin_resident_memory_bytes", **X) == 1500
    assert bench.value("plugin_backoff_seconds", **X) == 3
    bench.now = 104.0
    assert bench.value("plugin_backoff_seconds", **X) == 0
    assert bench.value("plugin_ready", **X) == 1
    assert bench.value("plugin_ready", plugin="rule/y") == 0
    assert bench.value("plugin_ready", plugin="rule/z") is None
    assert bench.value("plugins", reason="CrashLoop") == 1
    assert bench.value("plugins", reason="Serving") == 1
    assert bench.value("plugins", reason="RolledBack") == 0
    assert bench.value("config_generation") == 7
    assert bench.value("condition", type="ConfigStale", status="unknown") == 1
    assert bench.value("condition", type="ConfigStale", status="true") == 0
    assert bench.value("watch_age_seconds", source="volume") == 7.5


def test_steps_are_timed_by_event_and_every_event_exists_at_zero(bench):
    bench.step(state(), seconds=0.00004)
    assert bench.value("step_seconds_count", event="Tick") == 1
    assert bench.value("step_seconds_bucket", event="Tick", le="2e-05") == 0
    assert bench.value("step_seconds_bucket", event="Tick", le="5e-05") == 1
    assert bench.value("step_seconds_count", event="ConfigRead") == 0


def test_plugins_beyond_the_limit_share_one_label():
    tally = counts.Tally(limit=2)
    many = [plugin(f"rule/{number}") for number in range(4)]
    after = state(*many)
    start = Start(WorkerId("w1"), PluginKey("rule/3"), target(), many[0].spec)
    tally.count(Tick(), State(), Step(after, (), (start,), frozenset(after.plugins)))
    assert len(tally.plugins) == 2
    assert tally.other.starts + sum(each.starts for each in tally.plugins.values()) == 1


def test_the_limit_holds_for_every_metric_by_plugin(bench):
    bad = degraded(status=True, reason=Reason.CRASH_LOOP)
    many = (plugin(f"rule/{number}", worker(), conditions=bad) for number in range(counts.MAX_PLUGINS + 3))
    bench.step(state(*many))
    families = text_string_to_metric_families(bench.metrics.render("")[0].decode())
    labels = {sample.labels.get("plugin") for family in families for sample in family.samples} - {None}
    assert len(labels) == counts.MAX_PLUGINS + 1
    assert bench.value("plugin_active_subprocesses", plugin="other") == 3
    assert bench.value("plugin_starts_total", plugin="other") == 0
    assert bench.value("plugin_degraded", plugin="other", reason="CrashLoop") == 3


def test_two_managers_in_one_process_do_not_share_names_or_registries():
    one, two = PluginManagerMetrics("rules"), PluginManagerMetrics("matchers")
    assert one.registry is not two.registry
    assert b"pluginmgr_rules_build_info" in one.render("")[0]
    assert b"pluginmgr_rules_" not in two.render("")[0]


def test_the_documented_list_is_the_exposed_one(bench):
    broken = plugin("rule/x", conditions=degraded(status=True, reason=Reason.CRASH_LOOP))
    bench.step(state(broken, conditions=(Condition("Ready", True, Reason.ALL_READY, "", 0.0),)))
    api = ApiMetrics()
    api.observe("get", "pluginconfigs", "200", 0.1)
    bench.metrics.registry.register(api)
    exposed = set()
    for family in bench.metrics.registry.collect():
        name = family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        exposed.add((name, {"info": "gauge"}.get(family.type, family.type), frozenset(labels)))
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*)\|", DOCUMENT.read_text(), re.MULTILINE)
    documented = {(name, kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert documented == exposed


def test_both_forms_tell_the_same(bench):
    bench.step(state(plugin("rule/x", worker())))
    texts = [bench.metrics.render(accept)[0].decode() for accept in ("", "application/openmetrics-text; version=1.0.0")]
    plain, open_metrics = ({line.split()[0] for line in text.splitlines() if line[0] != "#"} for text in texts)
    assert plain == open_metrics
    assert len(plain) > 100


def test_a_scrape_does_not_wake_the_garbage_collector(bench):
    """Its pauses would be the loop's."""
    bench.step(state(*(plugin(f"rule/{number}", worker()) for number in range(300))))
    bench.metrics.render("")
    gc.collect()
    before = gc.get_stats()
    bench.metrics.render("")
    grown = [new["collections"] - old["collections"] for old, new in zip(before, gc.get_stats(), strict=True)]
    assert grown[0] <= 3
    assert grown[2] == 0


def test_observing_a_step_costs_the_same_with_ten_plugins_and_with_two_thousand():
    def cost(number: int) -> float:
        others = {PluginKey(f"rule/{n}"): plugin(f"rule/{n}", worker()) for n in range(number)}
        before = State(plugins=others | {PluginKey("rule/x"): plugin("rule/x", worker())})
        after = State(plugins=others | {PluginKey("rule/x"): plugin("rule/x", worker(phase=Phase.STOPPING))})
        step = Step(after, (), (), frozenset({PluginKey("rule/x")}))
        event = Failed(WorkerId("w1"), lost(Reason.EXITED))
        metrics = PluginManagerMetrics()
        metrics.observe(Tick(), State(), Step(before, (), (), frozenset(before.plugins)), 0.0)
        times = []
        for _ in range(200):
            began = time.perf_counter()
            metrics.observe(event, before, step, 0.00003)
            times.append(time.perf_counter() - began)
        return sorted(times)[100]

    small, large = cost(10), cost(2000)
    print(f"observe: {small * 1e6:.1f} us with 10 plugins, {large * 1e6:.1f} us with 2000")
    assert large < 3 * small
    assert small < 0.0002  # ten times what it takes on an idle machine


def test_hosts_are_counted_at_each_scrape():
    hosts = [1]
    metrics = PluginManagerMetrics(hosts=lambda: len(hosts))
    assert metrics.registry.get_sample_value("pluginmgr_hosts") == 1
    hosts.append(2)
    assert metrics.registry.get_sample_value("pluginmgr_hosts") == 2


def test_failed_writes_are_counted_by_place():
    metrics = PluginManagerMetrics(failures={"file": lambda: 3, "object": lambda: 0})
    for place, number in (("file", 3), ("object", 0)):
        value = metrics.registry.get_sample_value("pluginmgr_status_write_failures_total", {"place": place})
        assert value == number


def test_requests_are_counted_by_verb_resource_and_code_and_timed(bench):
    api = ApiMetrics()
    bench.metrics.registry.register(api)
    assert b"api_requests_total{" not in bench.metrics.render("")[0]
    for code, seconds in (("200", 0.1), ("200", 0.3), ("0", 20.0)):
        api.observe("patch", "pluginpodstatuses", code, seconds)
    patch = {"verb": "patch", "resource": "pluginpodstatuses"}
    assert bench.value("api_requests_total", code="200", **patch) == 2
    assert bench.value("api_requests_total", code="0", **patch) == 1
    assert bench.value("api_request_seconds_bucket", le="0.1", **patch) == 1
    assert bench.value("api_request_seconds_count", **patch) == 3
    assert bench.value("api_request_seconds_sum", **patch) == pytest.approx(20.4)
