"""The five kinds of blink's pipeline: messages and services (`pb`), and base classes for those who write plugins.

A plugin's program imports nothing of pluginmgr but this.
"""

from controller.kinds.alert import Alert
from controller.kinds.enrichment import Enrichment
from controller.kinds.formatter import Formatter
from controller.kinds.matcher import Matcher
from controller.kinds.plugin import Kind, Plugin, UnfitError
from controller.kinds.rule import Rule, RuleMatch
from controller.kinds.scales import Confidence, Severity, TuningAction
from controller.kinds.serve import serve
from controller.kinds.tuning_rule import TuningRule

__all__ = [
    "Alert",
    "Confidence",
    "Enrichment",
    "Formatter",
    "Kind",
    "Matcher",
    "Plugin",
    "Rule",
    "RuleMatch",
    "Severity",
    "TuningAction",
    "TuningRule",
    "UnfitError",
    "serve",
]
