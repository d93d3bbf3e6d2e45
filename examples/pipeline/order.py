"""In which order enrichments are applied, and which can't be."""

from collections.abc import Callable, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from examples.pipeline.about import About


def needed(names: Iterable[str], listed: Mapping[str, About]) -> list[About]:
    """The named enrichments and what they depend on, first things first; without those that lack something."""
    wanted: dict[str, tuple[str, ...]] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in listed and name not in wanted:
            wanted[name] = listed[name].depends_on
            waiting.extend(listed[name].depends_on)
    usable: dict[str, About] = {}
    for name in TopologicalSorter(wanted).static_order():
        if name in listed and all(each in usable for each in listed[name].depends_on):
            usable[name] = listed[name]
    return list(usable.values())


def without_cycles(listed: Mapping[str, About], say: Callable[[str], None]) -> dict[str, About]:
    """The enrichments that can be put in an order; those that wait for each other are told of."""
    left = dict(listed)
    while True:
        try:
            TopologicalSorter({name: about.depends_on for name, about in left.items()}).prepare()
        except CycleError as error:
            circle = error.args[1]
            say(f"enrichments that wait for each other are skipped: {' -> '.join(circle)}")
            left = {name: about for name, about in left.items() if name not in circle}
        else:
            return left
