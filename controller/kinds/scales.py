"""How bad and how sure: the scales of alerts, with the numbers that they have in the protos."""

from enum import IntEnum


class Severity(IntEnum):
    """How bad something is. UNSPECIFIED stands for the rule's own default."""

    UNSPECIFIED = 0
    INFO = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    @classmethod
    def _missing_(cls, _: object) -> "Severity":
        return cls.UNSPECIFIED  # of a later version of the protos


class Confidence(IntEnum):
    """How sure one is that an alert is right. UNSPECIFIED stands for the rule's own default."""

    UNSPECIFIED = 0
    VERY_LOW = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    VERY_HIGH = 5

    @classmethod
    def _missing_(cls, _: object) -> "Confidence":
        return cls.UNSPECIFIED


class TuningAction(IntEnum):
    """What is done with an alert that a tuning rule applies to."""

    UNSPECIFIED = 0
    IGNORE = 1
    SET_CONFIDENCE = 2
    INCREASE_CONFIDENCE = 3
    DECREASE_CONFIDENCE = 4
