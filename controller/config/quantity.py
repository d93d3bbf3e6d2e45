"""Kubernetes' sizes, `256Mi`, as bytes."""

from decimal import Decimal
from types import MappingProxyType

_UNITS = MappingProxyType(
    {unit: 1000**power for power, unit in enumerate(("k", "M", "G", "T"), start=1)}
    | {unit: 1024**power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti"), start=1)}
)


def in_bytes(quantity: str | float) -> int:
    """The number of bytes; the schema has made sure that the quantity is one."""
    if not isinstance(quantity, str):
        return int(quantity)
    number = quantity.rstrip("kKMGTi")
    return int(Decimal(number) * _UNITS.get(quantity[len(number) :], 1))
