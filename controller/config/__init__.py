"""The PluginConfig document: schema, defaults, positions of errors, and its resolution to the core's values.

One code for the file of the local mode and the object of the cluster. No watching and no I/O but reading secrets and
keeping the last good document. The way through: `text` and `tree` read; `schema`, `words` and `checks` judge;
`document` has passed; `resolve` turns it into what the core knows; `current` tells the core.
"""

from controller.config.atomic import replace_file
from controller.config.current import CurrentConfig
from controller.config.document import Document, from_object, parse
from controller.config.findings import DocumentError, Finding, Position
from controller.config.launch import canonical
from controller.config.layers import Hint, Hints, Place
from controller.config.resolve import Adapters, places, resolve
from controller.config.secrets import UnreadableError, secret

__all__ = [
    "Adapters",
    "CurrentConfig",
    "Document",
    "DocumentError",
    "Finding",
    "Hint",
    "Hints",
    "Place",
    "Position",
    "UnreadableError",
    "canonical",
    "from_object",
    "parse",
    "places",
    "replace_file",
    "resolve",
    "secret",
]
