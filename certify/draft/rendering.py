"""A draft as YAML, each line with where it comes from and how sure that is. Pure.

Nothing that a compose file says gets out of its comment or its scalar: comments have no line ends and no control characters,
scalars that are not plainly words are quoted.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

from certify.draft.model import Draft, Drafted, Found, Sure
from certify.model.escape import clip, visible

_COMMENT: Final = 160
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*|/[A-Za-z0-9._~/-]*")
_SAID: Final = tuple(f"({sure})" for sure in Sure)
# What readers of YAML, old and new, take for something other than a word.
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_LATER: Final = """\
# More than this, once it runs (see `certify profile lint`, docs/profiles.md):
#   extends: [contract]        schemas, migrations, tests and documents, of what `services` says more about
#   source: .                  below `stack:`, binds the certificate to the commit of this repository
#   disposable: true           below `stack:`, lets rules break and fill things, where no volume is anybody else's
#   database: DSN              below a service, with a log-in; none was taken over from the compose files
"""


def render(made: Draft) -> str:
    """The text of the profile."""
    lines = [*_head(made), "", *_stack(made), "", *_LATER.splitlines()]
    return "\n".join(lines) + "\n"


def scalar(text: str) -> str:
    """A text as one scalar of YAML that every reader takes for this text."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(visible(text), ensure_ascii=False)


def _comment(text: str) -> str:
    return f"# {clip(visible(text), _COMMENT)}"


def _from(found: Found) -> str:
    return _comment(f"{found.where} ({found.sure})")


def _head(made: Draft) -> Iterator[str]:
    files = " ".join(f"--compose {name}" for name in made.compose)
    yield _comment(f"Written by `certify init {files}{' --look' if made.looked else ''}`: run it, then make it yours.")
    yield "# Each line says where it was found, and how sure that is: sure, likely, or a guess."
    if made.unset:
        yield _comment(f"Variables without a value, which the files take for empty texts: {', '.join(made.unset)}")
    for name, profiles in made.left_out.items():
        yield _comment(
            f"Not started, and so not asked about: {name}, which only the Compose profile {profiles} starts."
        )
    for name in made.unnameable:
        yield _comment(f"Left out: {name}, whose name cannot be that of a service in a profile.")
    yield ""
    yield f"profile: {scalar(made.name)}  # the name of this file (sure)"
    yield "extends: [boot]  # everything comes up, and stays up: what any stack can be asked (sure)"


def _stack(made: Draft) -> Iterator[str]:
    yield "stack:"
    yield "  compose:  # relative to this file; later ones override (sure)"
    yield from (f"    - {scalar(name)}" for name in made.compose)
    yield "  boot_budget: 120 s  # time to be up; nothing in the files says how long it takes (guess)"
    if gateway := next((one for one in made.services if one.name == made.gateway), None):
        yield "  gateway:  # its name; it asks several services that speak GraphQL (likely)"
        yield from (f"    {line}" for line in _entry(gateway))
    yield "  services:  # all that the files start; one that is missing here is a finding"
    for one in made.services:
        if one.name != made.gateway:
            yield from _service(one)


def _service(one: Drafted) -> Iterator[str]:
    entry = tuple(_entry(one))
    yield f"    {scalar(one.name)}:  {_comment(f'{one.kind.value}: {one.kind.where} ({one.kind.sure})')}"
    yield from (f"      {line}" for line in entry)


def _entry(one: Drafted) -> Iterator[str]:
    # What says nothing else was read, or seen.
    yield from (_comment(text if text.endswith(_SAID) else f"{text} ({Sure.SURE})") for text in one.remarks)
    probes = [(name, found) for name, found in (("live", one.live), ("ready", one.ready)) if found]
    if probes:
        yield "probes:"
        yield from (f"  {name}: {scalar(found.value)}  {_from(found)}" for name, found in probes)
    for name, found in (("graphql", one.graphql), ("metrics", one.metrics)):
        if found:
            yield f"{name}: {scalar(found.value)}  {_from(found)}"
    if one.calls:
        yield f"calls: [{_listed(one.calls)}]  # depends_on; what it really calls, only its spans tell (guess)"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(scalar, names))
