"""`kubectl edit` of a flag: from the API server's answer to the process's own first and last words."""

import statistics

from tests.node.deployment import NAME, Wish

FLIPS = 11


def test_an_edited_flag_reaches_the_process_in_300_ms(sample, figure, tmp_path):
    pod = sample.deploy(Wish({"echo": {"required": True}, "other": {"enabled": True}}))
    plugin = sample.hear(pod, "other")
    moment(plugin, "begun", 0)
    off, on = [], []
    for number in range(FLIPS):
        answered = sample.kubectl.edit(f"pluginconfig/{NAME}", "s/enabled: true/enabled: false/", tmp_path)
        off.append(moment(plugin, "ending", number) - answered)
        answered = sample.kubectl.edit(f"pluginconfig/{NAME}", "s/enabled: false/enabled: true/", tmp_path)
        on.append(moment(plugin, "begun", number + 1) - answered)
    for what, took in (("enabled -> a process has begun", on), ("disabled -> the process ends", off)):
        figure(f"kubectl edit, {what}, median of {FLIPS}", statistics.median(took) * 1000, "ms", limit=300)
        figure(f"kubectl edit, {what}, worst", max(took) * 1000, "ms")


def moment(plugin, word, number):
    """When a process of the plugin said this for the number-th time, by its own clock."""
    return float(plugin.until(after=number, fits=lambda each: each["message"].startswith(word))["message"].split()[-1])
