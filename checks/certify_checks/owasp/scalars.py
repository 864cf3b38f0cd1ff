"""Loaded by schemathesis in its own process: how to make values of scalars that it does not know."""

import json
import os

from hypothesis import strategies
from schemathesis.graphql import nodes, scalar

VARIABLE = "CERTIFY_SCHEMA_SCALARS"


def register() -> None:
    """Register the samples that the check gives by the environment, scalar name -> texts."""
    known: dict[str, list[str]] = json.loads(os.environ.get(VARIABLE, "{}"))
    for name, samples in known.items():
        scalar(name, strategies.sampled_from(samples).map(nodes.String))


register()
