"""Every Event that is sent stands in the documentation, as it is sent."""

import re
from pathlib import Path

from controller.core.reasons import Reason
from controller.kube.event_table import TABLE

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "events.md"
OF_THE_POD = {"ConfigRejected", "ConfigMissing", "ConfigStale", "VolumeMissing", "VolumeUnreadable", "StateNotWritable"}
OF_THE_POD |= {"PreviousRunKilled", "Ready"}


def test_the_documented_list_is_the_sent_one():
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+?) \| `(\w+)` \| \S.* \|$", PAGE.read_text(), re.MULTILINE)
    sent = [
        (reason or what, row.type, "the pod" if what in OF_THE_POD else "a plugin", row.action)
        for (what, reason), row in TABLE.items()
    ]
    assert sorted(rows) == sorted(sent)


def test_every_word_has_its_meaning_among_the_reasons():
    for what, reason in TABLE:
        assert reason in set(Reason) or what in {"PreviousRunKilled", "RestartRequested"}
