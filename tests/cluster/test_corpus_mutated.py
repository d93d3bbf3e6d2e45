"""The API server and our own checks agree on documents that nobody wrote, too."""

import os

from hypothesis import HealthCheck, given, note, settings

from controller.config import DocumentError, from_object
from tests.cluster.namespace import Namespace
from tests.cluster.verdict import are_near, as_stored, judge
from tests.config.mutations import mutated

EXAMPLES = int(os.environ.get("PLUGINMGR_TEST_MUTATIONS", "200"))
COOKIE = "is the handshake's cookie"  # which the API server looks for in defaults alone, see tests/config/apart.py


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=mutated())
def test_both_take_or_refuse_what_was_changed_at_random(data, namespace: Namespace):
    verdict = judge(namespace, data)
    note(f"API server: {verdict}")
    ours = _findings(data)
    note(f"we: {ours}")
    if not ours:
        assert verdict.message == ""
        assert as_stored(verdict.spec) == as_stored(from_object(data, source="x").data["spec"])
        return
    assert verdict.is_taken == all(each.message.endswith(COOKIE) for each in ours)
    assert [field for field in verdict.fields if not any(are_near(field, each.field) for each in ours)] == []


def _findings(data):
    try:
        return from_object(data, source="x", strict=True).warnings
    except DocumentError as error:
        return error.findings
