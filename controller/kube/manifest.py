"""The bytes of an object as the API server takes them for server-side apply. Pure.

The client's own encoder writes a character beyond the basic plane, an emoji in a log line say, as two escapes; the API
server reads an apply as YAML, which knows no such pair, and refuses the object.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

# What YAML wants escaped, or takes for a line break, and JSON does not. Surrogates cannot be sent in any way.
ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def encoded(document: Mapping[str, Any]) -> bytes:
    """Return the document as text that is JSON and YAML."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return ESCAPED.sub(_escape, text).encode()


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else f"\\u{code:04x}"  # noqa: PLR2004 - the surrogates
