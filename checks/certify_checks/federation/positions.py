"""Where types stand: in what is answered, in what is given, or in both."""

import re
from collections.abc import Mapping

import msgspec

from certify_checks.federation.elements import Element


class Positions(msgspec.Struct, frozen=True):
    """Names of the types that fields have, and of those that arguments and input fields have."""

    outputs: frozenset[str]
    inputs: frozenset[str]

    def output(self, name: str) -> bool:
        """Whether it can be in an answer; a type that nothing uses could be."""
        return name in self.outputs or name not in self.inputs


def positions(elements: Mapping[str, Element]) -> Positions:
    """The positions of all types in a schema."""
    outputs: set[str] = set()
    inputs: set[str] = set()
    for element in elements.values():
        if element.type:
            (outputs if element.kind == "field" else inputs).add(re.sub(r"[\[\]!]", "", element.type))
    return Positions(frozenset(outputs), frozenset(inputs))
