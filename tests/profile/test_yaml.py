"""Reading YAML: places, no surprises of YAML 1.1, and files that mean harm."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from certify.profile.find import default_search, find_profile
from certify.profile.load import load_profile
from certify.profile.problem import ProfileError
from certify.profile.reading import MAX_BYTES, read_tree

Problems = Callable[..., list[str]]
Write = Callable[..., None]

DEEP = b"profile: p\ncontrols: " + b"[" * 40 + b"]" * 40
BOMB = b"profile: p\na: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(8)
)

HOSTILE = {
    "empty": (b"", "p.yaml: the file is empty; a profile begins with 'profile: NAME'"),
    "only-comment": (b"# nothing\n", "p.yaml: the file is empty; a profile begins with 'profile: NAME'"),
    "duplicate": (
        b"profile: p\ntitle: a\ntitle: b\n",
        "p.yaml:3:1: duplicate key 'title'; it stands in line 2 already",
    ),
    "tab": (b"profile: p\nstack:\n\treference: s\n", "p.yaml:3:1: a tab indents this line; YAML wants spaces"),
    "latin-1": (
        b"profile: p\ntitle: caf\xe9\n",
        "p.yaml:2:11: byte 0xe9 is not UTF-8; save the file as UTF-8",
    ),
    "utf-16": ("profile: p\n".encode("utf-16"), "p.yaml:1:1: byte 0xff is not UTF-8; save the file as UTF-8"),
    "control-character": (
        b"profile: p\ntitle: a\x1b[31mb\n",
        "p.yaml:2:9: the character U+001B is not allowed in YAML",
    ),
    "large": (b"#" * (MAX_BYTES + 1), "p.yaml: the file is larger than 1 MiB"),
    "deep": (DEEP, "p.yaml:2:43: nested more than 32 deep"),
    "bomb": (BOMB, "p.yaml:6:23: more than 50,000 values, aliases followed; nobody writes such a profile"),
    "itself": (b"profile: p\nx: &a [*a]\n", "p.yaml:2:8: alias '*a' has no finished anchor before it"),
    "alias-of-nothing": (b"profile: *x\n", "p.yaml:1:10: alias '*x' has no finished anchor before it"),
    "tag": (
        b"profile: !!python/object/apply:os.system ['true']\n",
        "p.yaml:1:10: tag 'tag:yaml.org,2002:python/object/apply:os.system' is not read; for text use quotes",
    ),
    "merge-key": (
        b"profile: p\na: &a {b: 1}\nc: {<<: *a}\n",
        "p.yaml:3:5: merge keys ('<<') are not read; use 'extends' or the stack's 'defaults'",
    ),
    "list-as-key": (b"profile: p\n[a, b]: 1\n", "p.yaml:2:1: a key must be plain text"),
    "two-documents": (
        b"profile: p\n---\nprofile: q\n",
        "p.yaml:2:1: a second document begins here; a file holds one profile",
    ),
    "not-closed": (
        b"profile: [p\ntitle: x\n",
        "p.yaml:2:6: not YAML: while parsing a flow sequence, expected ',' or ']', but got ':'",
    ),
    "colon": (b"profile: p\ntitle: a: b\n", "p.yaml:2:9: not YAML: mapping values are not allowed here"),
}


@pytest.mark.parametrize(("content", "told"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_files_are_refused_at_once(content: bytes, told: str):
    started = time.monotonic()
    with pytest.raises(ProfileError) as caught:
        read_tree(content, "p.yaml")
    assert str(caught.value) == told
    # Without a bound some would take minutes.
    assert time.monotonic() - started < 30


def test_scalars_are_what_was_written():
    tree = read_tree(
        b"a: no\nb: 010\nc: 1:30\nd: 2026-01-31\ne: 1_000\nf: 12\ng: -1.5\nh: true\ni: ~\nj: '12'\nk: 0x10\nl: 1e3\n"
        b"m: .nan\nn: |\n  5\no: 99999999999999999999\n",
        "p.yaml",
    )
    assert tree.plain() == {
        "a": "no",
        "b": "010",
        "c": "1:30",
        "d": "2026-01-31",
        "e": "1_000",
        "f": 12,
        "g": -1.5,
        "h": True,
        "i": None,
        "j": "12",
        "k": "0x10",
        "l": "1e3",
        "m": ".nan",
        "n": "5\n",
        "o": "99999999999999999999",
    }


def test_keys_are_text_whatever_they_look_like():
    assert read_tree(b"no: 1\n2: 3\n? 'x y'\n: 4\n", "p.yaml").plain() == {"no": 1, "2": 3, "x y": 4}


def test_every_value_knows_its_line():
    tree = read_tree("﻿profile: p\nlist:\n  - ä: [x, y]\n".encode(), "p.yaml")
    node = tree.at("list", 0, "ä", 1)
    assert node is not None
    assert (node.value, node.origin.line, node.origin.column) == ("y", 3, 12)
    assert (tree.nearest("list", 0, "ä", 7).key.column, tree.at("list", 5), tree.at("list", "x")) == (5, None, None)


def test_aliases_within_bounds_are_followed():
    assert read_tree(b"a: &x {b: [1, 2]}\nc: *x\n", "p.yaml").plain() == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}}


def test_a_bomb_that_never_goes_off_in_a_profile(problems: Problems):
    (told,) = problems(p=BOMB.decode())
    assert "more than 50,000 values" in told


def test_what_is_no_file_is_refused(write: Write, tmp_path: Path):
    write()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    for name in ("pipe.yaml", "folder.yaml"):
        with pytest.raises(ProfileError, match=f"{name} is not a file"):
            load_profile(name)
    with pytest.raises(ProfileError, match=r"there is no file 'gone\.yaml'"):
        load_profile("gone.yaml")


def test_a_name_that_is_nearly_right(write: Write):
    write()
    with pytest.raises(ProfileError) as caught:
        find_profile("finanse", list(default_search()))
    assert str(caught.value) == (
        "finanse: there is no profile 'finanse' in profiles and certify/_bundled/profiles; did you mean 'finance'?"
    )


def test_the_projects_own_profile_comes_before_the_shipped_one(write: Write, tmp_path: Path):
    write()
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "boot.yaml").write_text("profile: boot\ntitle: ours\nextends: [boot]\n")
    profile = load_profile("boot")
    assert profile.title == "ours"
    assert profile.files == ("certify/_bundled/profiles/boot.yaml", "profiles/boot.yaml")
    assert [control.id for control in profile.controls] == ["BOOT-HEALTH-01", "BOOT-START-01"]
