"""What kubelet and Prometheus ask of a whole controller, on the port that its log names."""

import os
import signal

from tests.e2e.rig import Rig


def value(metrics: str, series: str) -> float:
    """The value of one series."""
    (line,) = [line for line in metrics.splitlines() if line.startswith(f"{series} ")]
    return float(line.rpartition(" ")[2])


def test_livez_tells_that_the_loop_turns(controller: Rig):
    controller.configure({})
    controller.start()
    controller.until(lambda status: status["conditions"])
    assert controller.http("/livez") == (200, "ok\n")
    code, said = controller.http("/livez?verbose")
    assert code == 200
    assert "[+]loop ok" in said.splitlines()
    assert "[+]volume ok" in said.splitlines()


def test_readyz_waits_until_every_required_plugin_has_served_once(controller: Rig, tmp_path):
    gate = tmp_path / "gate"
    controller.install("starts_slowly", "plugin")
    controller.install("exits_at_once", "optional")
    plugin = {"required": True, "env": [{"name": "ZOO_FILE", "value": str(gate)}], "startTimeoutSeconds": 60}
    controller.configure({"plugin": plugin, "later": {"required": True}})
    controller.start()
    controller.until_state("plugin", "Starting")
    controller.until(lambda status: "later" in [each["name"] for each in status["plugins"]])
    code, said = controller.http("/readyz")
    assert code == 503
    assert "[-]ready failed: required zoo/plugin has not served yet" in said.splitlines()
    assert "[-]ready failed: required zoo/later has not served yet" in said.splitlines()
    gate.touch()
    controller.install("good", "later")
    controller.until_served("plugin")
    controller.until_served("later")
    assert controller.http("/readyz") == (200, "ok\n")
    (pid,) = controller.pids("plugin")
    os.kill(pid, signal.SIGKILL)
    controller.until_plugin("plugin", lambda each: each["restarts"] == 1)
    assert controller.http("/readyz")[0] == 200


def test_readyz_fails_while_it_shuts_down(controller: Rig):
    controller.install("ignores_sigterm", "plugin")
    controller.configure({"plugin": {"stop": {"shutdownSeconds": 5, "killSeconds": 5}}})
    controller.start("--grace", "20")
    controller.until_served("plugin")
    assert controller.http("/readyz")[0] == 200
    controller.running.send_signal(signal.SIGTERM)
    controller.until_state("plugin", "Stopping", "Draining")
    code, said = controller.http("/readyz")
    assert code == 503
    assert "shutting down" in said


def test_metrics_exist_at_zero_and_count_a_crash(controller: Rig):
    controller.install("good", "plugin")
    controller.configure({"plugin": {}})
    controller.start()
    controller.until_served("plugin")
    label = '{plugin="zoo/plugin"}'
    code, before = controller.http("/metrics")
    assert code == 200
    for series in ("crashes", "restarts", "updates"):
        assert value(before, f"pluginmgr_plugin_{series}_total{label}") == 0
    assert value(before, 'pluginmgr_plugin_exits_total{plugin="zoo/plugin",reason="Killed"}') == 0
    assert value(before, f"pluginmgr_plugin_starts_total{label}") == 1
    assert value(before, f"pluginmgr_plugin_active_subprocesses{label}") == 1
    assert value(before, f"pluginmgr_plugin_start_latency_seconds_count{label}") == 1
    (pid,) = controller.pids("plugin")
    os.kill(pid, signal.SIGKILL)
    controller.until(lambda _: controller.pids("plugin") not in ([], [pid]))
    after = controller.http("/metrics")[1]
    assert value(after, f"pluginmgr_plugin_crashes_total{label}") == 1
    assert value(after, f"pluginmgr_plugin_restarts_total{label}") == 1
    assert value(after, 'pluginmgr_plugin_exits_total{plugin="zoo/plugin",reason="Killed"}') == 1
    assert value(after, f"pluginmgr_plugin_starts_total{label}") == 2
    assert value(after, f"pluginmgr_plugin_ready{label}") == 1
    assert value(after, 'pluginmgr_condition{status="true",type="Ready"}') == 1


def test_an_update_is_counted_as_one(controller: Rig):
    controller.install("good", "plugin")
    controller.configure({"plugin": {"update": {"minReadySeconds": 0}}})
    controller.start()
    digest = controller.until_served("plugin")["servingDigest"]
    controller.install("good", "plugin", version="2")
    controller.until_plugin("plugin", lambda each: each.get("servingDigest") != digest)
    metrics = controller.http("/metrics")[1]
    assert value(metrics, 'pluginmgr_plugin_updates_total{plugin="zoo/plugin"}') == 1
    assert value(metrics, 'pluginmgr_plugin_crashes_total{plugin="zoo/plugin"}') == 0
