"""An API server that fails is asked less and less often, and never by all at once."""

import pytest

from controller.kube.patience import FIRST, MOST, Patience


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
def test_waits_double_up_to_the_most(chance):
    patience = Patience(chance=lambda: chance)
    waits = [patience.wait() for _ in range(12)]
    assert waits[0] == pytest.approx(FIRST * (1 + chance) / 2)
    assert waits[1] == pytest.approx(2 * waits[0])
    assert all(MOST / 2 <= wait <= MOST for wait in waits[6:])


def test_after_an_answer_it_begins_anew():
    patience = Patience(chance=lambda: 1.0)
    for _ in range(5):
        patience.wait()
    patience.reset()
    assert patience.wait() == FIRST


def test_two_that_began_together_do_not_stay_together():
    waits = {round(Patience().wait(), 6) for _ in range(20)}
    assert len(waits) > 10
