"""JSON as it stands in signed files: UTF-8, sorted keys, integers only, no duplicate keys, bounded.

Documents are indented by two spaces and end in a newline; statement payloads are compact. What is read back must obey
the same rules, so that no two readers can understand one signed file differently.
"""

import json
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from certify.seal.errors import SealError
from certify.seal.names import MAX_DOCUMENT_BYTES

MAX_DEPTH: Final = 64
MAX_INTEGER: Final = 2**63 - 1
_CURE: Final = "The file is not as certify writes it: take it again from where it was sealed."


def pretty(value: Any) -> bytes:
    """`value` as a document: two-space indent, final newline.

    Raises:
        SealError: the value holds a float, NaN, an integer beyond 64 bits, a key that is no string, or a lone surrogate.
    """
    check(value)
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def compact(value: Any) -> bytes:
    """`value` as a payload: one line without white space, no final newline. Raises as `pretty` does."""
    check(value)
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False, allow_nan=False)
    return text.encode()


def check(value: Any) -> None:
    """Raise `SealError` with the JSON path of the first thing that a signed file must not hold."""
    waiting: list[tuple[str, Any, int]] = [("$", value, 0)]
    while waiting:
        path, item, depth = waiting.pop()
        if depth >= MAX_DEPTH and isinstance(item, (dict, list, tuple)):
            raise SealError("json-depth", f"{path}: nested deeper than {MAX_DEPTH} levels", cure=_CURE)
        fault = _fault(item)
        if fault:
            raise SealError("json-value", f"{path}: {fault}", cure="Signed files hold text, integers, lists and maps.")
        waiting.extend((name, child, depth + 1) for name, child in _children(path, item))


def _fault(item: Any) -> str:
    if isinstance(item, bool) or item is None:
        return ""
    if isinstance(item, int):
        return "" if abs(item) <= MAX_INTEGER else "an integer beyond 64 bits"
    if isinstance(item, str):
        return "" if _is_unicode(item) else "text with a lone surrogate, which UTF-8 cannot hold"
    if isinstance(item, dict):
        odd = [key for key in item if not isinstance(key, str) or not _is_unicode(key)]
        return f"the key {odd[0]!r} is not Unicode text" if odd else ""
    return "" if isinstance(item, (list, tuple)) else f"a {type(item).__name__} instead of text or an integer"


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _children(path: str, item: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(item, dict):
        yield from ((f"{path}.{key}", child) for key, child in item.items())
    elif isinstance(item, (list, tuple)):
        yield from ((f"{path}[{index}]", child) for index, child in enumerate(item))


def parse(data: bytes, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> Any:
    """The JSON value in `data`, read strictly.

    Raises:
        SealError: too large or too deep, a byte order mark, not UTF-8, not JSON, a duplicate key, a float, NaN.
    """
    if len(data) > max_bytes:
        raise SealError("too-large", f"{len(data)} bytes, at most {max_bytes} are read", cure=_CURE)
    if data.startswith(b"\xef\xbb\xbf"):
        raise SealError("byte-order-mark", "starts with a byte order mark", cure=_CURE)
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_float=_no_float, parse_constant=_no_float
        )
    except UnicodeDecodeError as error:
        raise SealError("not-utf-8", f"not UTF-8 at byte {error.start}", cure=_CURE) from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise SealError("not-json", f"not JSON: {error.msg} at {where}", cure=_CURE) from None
    except RecursionError:
        raise SealError("json-depth", f"nested deeper than {MAX_DEPTH} levels", cure=_CURE) from None
    except ValueError as error:  # an integer with thousands of digits
        raise SealError("json-value", str(error), cure=_CURE) from None
    check(value)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise SealError("duplicate-key", f"the key {twice!r} stands twice in one object", cure=_CURE)
    return value


def _no_float(text: str) -> NoReturn:
    raise SealError("json-float", f"{text} is not an integer; signed files hold integers only", cure=_CURE)
