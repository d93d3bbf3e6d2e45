"""The words of the protocol library are words of the product."""

from controller.core.reasons import Reason
from controller.goplugin import Failure


def test_every_failure_to_start_is_a_reason():
    assert {failure.value for failure in Failure} <= {reason.value for reason in Reason}
