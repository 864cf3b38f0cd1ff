"""From a name or path to a profile that can be used, or to everything that is wrong with it."""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

import msgspec

from certify.model.decision import Waiver
from certify.model.limit import Origin
from certify.profile.conform import check_against
from certify.profile.controls import read_controls
from certify.profile.document import Document
from certify.profile.explain import read_document
from certify.profile.find import Source, default_search, find_profile, read_bytes
from certify.profile.merge import Merged, merge_all
from certify.profile.model import Control, Profile
from certify.profile.options import COMMAND_OPTION, KnownCheck
from certify.profile.problem import Level, Problem, ProfileError, hint
from certify.profile.quantities import read_duration
from certify.profile.reading import read_tree
from certify.profile.services import read_stack
from certify.profile.tree import Node


class Inspected(msgspec.Struct, frozen=True):
    """A usable profile with the tree it came from, and warnings and notes about it."""

    profile: Profile
    tree: Node
    remarks: tuple[Problem, ...] = ()


class _File(msgspec.Struct, frozen=True):
    source: Source
    content: bytes
    tree: Node
    document: Document


def load_profile(
    name_or_path: str, *, search: Sequence[Path] | None = None, checks: Mapping[str, KnownCheck] | None = None
) -> Profile:
    """Read a profile and those that it extends.

    Args:
        name_or_path: a path, or the bare name of a profile in `search`.
        search: folders for bare names; by default `./profiles` and the shipped profiles.
        checks: the installed checks by id, to hold rules' names, limits and options against; None: not asked.

    Raises:
        ProfileError: with everything that is wrong, each with file, line and column.
    """
    return inspect_profile(name_or_path, search=search, checks=checks).profile


def inspect_profile(
    name_or_path: str, *, search: Sequence[Path] | None = None, checks: Mapping[str, KnownCheck] | None = None
) -> Inspected:
    """As `load_profile`, with what is worth knowing about a profile that can be used.

    Raises:
        ProfileError: as `load_profile`.
    """
    places = list(default_search() if search is None else search)
    files = _read_chain(find_profile(name_or_path, places), places, (), Origin())
    files = list({file.source.path.resolve(): file for file in files}.values())
    merged = merge_all(file.tree for file in files)
    profile, problems = _resolve(files, merged)
    if checks is not None:
        problems += check_against(profile, merged.tree, checks)
    problems = in_order(problems, [file.source.name for file in files])
    if any(problem.level is Level.ERROR for problem in problems):
        raise ProfileError(problem for problem in problems if problem.level is Level.ERROR)
    return Inspected(profile, merged.tree, tuple(problems))


def _read_chain(source: Source, places: Sequence[Path], chain: tuple[Source, ...], wanted_at: Origin) -> list[_File]:
    """The file after all that it extends, deepest first; a file may stand there twice."""
    if any(source.path.samefile(other.path) for other in chain):
        names = " -> ".join(other.name for other in (*chain, source))
        raise ProfileError([Problem(wanted_at, f"profiles extend each other in a circle: {names}")])
    content = read_bytes(source, wanted_at)
    tree = read_tree(content, source.name)
    document, problems = read_document(tree)
    if document is None:
        raise ProfileError(problems)
    found = []
    for parent in tree.items("extends"):
        below = find_profile(parent.value, places, wanted_at=parent.origin, beside=source)
        found += _read_chain(below, places, (*chain, source), parent.origin)
    return [*found, _File(source, content, tree, document)]


def _resolve(files: Sequence[_File], merged: Merged) -> tuple[Profile, list[Problem]]:
    folders = {
        file.source.name: os.path.relpath(file.source.path.parent, files[-1].source.path.parent) for file in files
    }
    stack, problems = read_stack(merged.tree, folders)
    controls, of_controls = read_controls(merged, [service.name for service in stack.services])
    problems += [*merged.problems, *of_controls, *_bad_commands(merged.tree)]
    top = files[-1]
    if top.document.profile != top.source.path.stem:
        message = (
            f"the profile calls itself {top.document.profile!r}; its file's name finds it as {top.source.path.stem!r}"
        )
        problems.append(Problem(top.tree.nearest("profile").origin, message, Level.WARNING))
    profile = Profile(
        name=top.document.profile,
        title=top.document.title,
        digest=hashlib.sha256(b"".join(file.content for file in files)).hexdigest(),
        files=tuple(file.source.name for file in files),
        folder=str(top.source.path.parent),
        stack=stack,
        checks=merged.tree.nearest("checks").plain() if merged.tree.at("checks") else {},
        budgets={
            name: read_duration(node.value, node.origin, problems)
            for name, node in merged.tree.entries("budgets").items()
        },
        controls=controls,
        waivers=tuple(_waivers(merged, controls, problems)),
        sign_offs=tuple(node.value for node in merged.tree.items("sign_offs")),
    )
    return profile, problems


def _bad_commands(tree: Node) -> Iterable[Problem]:
    for name, options in tree.entries("checks").items():
        command = options.at(COMMAND_OPTION)
        words = [command] if command and isinstance(command.value, str) else options.items(COMMAND_OPTION)
        if command and not (words and all(isinstance(word.value, str) and word.value for word in words)):
            message = f"{COMMAND_OPTION!r} of check {name}: expected an executable, or a list of it and its arguments"
            yield Problem(command.origin, message)


def _waivers(merged: Merged, controls: Sequence[Control], problems: list[Problem]) -> Iterable[Waiver]:
    known = {control.id for control in controls}
    for node in merged.tree.items("waivers"):
        waiver = msgspec.convert(node.plain(), Waiver)
        if waiver.control not in known:
            successors = ", ".join(merged.replaced.get(waiver.control, ()))
            cure = f"; it was replaced by {successors}" if successors else hint(waiver.control, known, offer=False)
            message = f"waiver for {waiver.control!r}, which is no control{cure}"
            problems.append(Problem(node.nearest("control").origin, message))
        try:
            date.fromisoformat(waiver.expires)
        except ValueError:
            problems.append(Problem(node.nearest("expires").origin, f"{waiver.expires!r} is no day of the calendar"))
        yield waiver


def in_order(problems: Iterable[Problem], files: Sequence[str]) -> list[Problem]:
    """Each problem once: the most derived file's first, then by place. `files` are in the order of `Profile.files`."""
    rank = {name: index for index, name in enumerate(reversed(files))}
    unique = {(problem.origin, problem.message): problem for problem in problems}.values()
    return sorted(
        unique, key=lambda one: (rank.get(one.origin.file, len(rank)), one.origin.line, one.origin.column, one.level)
    )
