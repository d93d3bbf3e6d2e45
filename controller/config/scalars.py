"""What an unquoted YAML word means: the same as to kubectl, so that a file means the same here and in a cluster.

That is YAML 1.1 as sigs.k8s.io/yaml reads it: `yes` and `on` are true, 010 is eight, times stay text, a float without a
fraction becomes an integer on its way through JSON, and an integer of more than 64 bits a float. To Kubernetes `y` and
`n` are true and false as well; to most other readers, PyYAML among them, they are text. Nothing of documents or
positions.
"""

import re
from types import MappingProxyType

_STR = "tag:yaml.org,2002:str"
_PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("bool", "int", "float", "null"))
_HINTS = frozenset("yYnNtTfFoO~+-.0123456789")  # what is not a word may begin with these
_WORDS = MappingProxyType(
    {
        spelling: value
        for word, value in (
            *((word, True) for word in ("yes", "true", "on")),
            *((word, False) for word in ("no", "false", "off")),
            ("null", None),
        )
        for spelling in (word, word.capitalize(), word.upper())
    }
    | {"": None, "~": None}
)
_NOT_JSON = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SHORT = MappingProxyType({"y": True, "Y": True, "n": False, "N": False})
_LARGEST = 2**63 - 1
_SMALLEST = -(2**63)
_DECIMALS = 19  # digits of what 64 bits can hold
_BITS = 66  # characters of the same in binary
_SHOWN = 40

Scalar = str | int | float | bool | None


class ScalarError(ValueError):
    """A word that YAML knows and JSON does not."""


def kubernetes(text: str) -> Scalar:
    """The value of an unquoted word to the API server and kubectl."""
    return _SHORT[text] if text in _SHORT else plain(text)


def plain(text: str) -> Scalar:
    """The value of an unquoted word to most readers of YAML 1.1."""
    if text and text[0] not in _HINTS:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    return _number(text)


def tagged(tag: str, text: str) -> Scalar:
    """The value of a word with a tag before it, such as `!!str 10`."""
    if tag in {_STR, "!"}:
        return text
    if tag in _PLAIN_TAGS:
        return plain(text)
    raise ScalarError(f"the tag {tag.replace('tag:yaml.org,2002:', '!!')} is not supported")


def _number(text: str) -> Scalar:
    if _NOT_JSON.fullmatch(text):
        raise ScalarError(f"{text} cannot be written in JSON")
    digits = text.replace("_", "")
    if _INTEGER.fullmatch(digits):
        return _integer(digits)
    if _FLOAT.fullmatch(digits):
        value = _float(digits)
        return int(value) if value.is_integer() and _SMALLEST <= value < _LARGEST else value
    return text


def _float(digits: str) -> float:
    value = float(digits)
    if value in {float("inf"), float("-inf")}:
        raise ScalarError(f"{digits[:_SHOWN]} is too large a number")
    return value


def _integer(digits: str) -> int | float:
    bare = digits.lstrip("+-")
    if bare[0] != "0" and len(bare) > _DECIMALS:
        return _float(digits)
    if len(bare) > _BITS:
        raise ScalarError("too large a number")
    old_octal = len(bare) > 1 and bare[0] == "0" and bare[1] in "01234567"
    value = int(digits, 8) if old_octal else int(digits, 0)
    return value if _SMALLEST <= value <= _LARGEST else float(value)
