"""Limits and lengths of time of a document, read with their places."""

from certify.model.duration import Duration
from certify.model.limit import Limit, Origin
from certify.profile.problem import Problem
from certify.profile.tree import Node


def read_duration(text: str, origin: Origin, problems: list[Problem]) -> int:
    """A length of time in microseconds; 0 with a problem told when it is finer than that."""
    try:
        return Duration(text).microseconds
    except ValueError as error:
        problems.append(Problem(origin, str(error)))
        return 0


def read_limit(node: Node, problems: list[Problem]) -> Limit | None:
    """A limit with its place; None with a problem told when it is no limit."""
    try:
        return Limit.parse(node.value, node.origin)
    except ValueError as error:
        problems.append(Problem(node.origin, str(error)))
        return None
