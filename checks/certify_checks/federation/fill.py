"""Makes up arguments: from the schema, and from what was found in the stack."""

import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import graphql as gql

from certify_checks.federation.harvest import Pool
from certify_checks.variables import UNIQUE

_ID: Final = re.compile(r"^(?:(?P<stem>.+?)_?)?(?:[iI][dD]|I[dD]s|ids)$")
_POOLED: Final = re.compile(r"\{(\w+)\.(\w+)\}")
_MADE: Final[Mapping[str, str]] = {
    "decimal": "1.00", "money": "1.00", "bigdecimal": "1.00", "bigint": "1", "long": "1", "url": "https://example.org/",
    "uri": "https://example.org/", "email": "certify@example.org", "emailaddress": "certify@example.org",
}  # fmt: skip


class UnfilledError(Exception):
    """There is no value for an argument; the message names it."""


class Filler:
    """Values for arguments.

    `made` has what this check made itself, which it may change; `pool` what was there; `given` what the profile says;
    `types` the object types of the schema.
    """

    def __init__(
        self, pool: Pool, made: Pool, given: Mapping[str, Any], chance: random.Random, types: Mapping[str, Any]
    ) -> None:
        self._pool, self._made, self._given, self._chance = pool, made, given, chance
        self._types = types
        # By name or by its end: Customer for customerId, WarehouseStaff for staffId; the shortest first.
        self._names = sorted(types, key=len)
        self.own_first = True

    def argument(self, coordinate: str, name: str, kind: Any, target: str, *, own: bool = False) -> Any:
        """A value of type `kind` for `name`; `target`: the type that the operation is about.

        `own`: an id must be one of what this check made.

        Raises:
            UnfilledError: there is none.
        """
        for key in (coordinate, name):
            if key in self._given:
                return self._fresh(self._given[key])
        if isinstance(kind, gql.GraphQLNonNull):
            return self.argument(coordinate, name, kind.of_type, target, own=own)
        if isinstance(kind, gql.GraphQLList):
            return [self.argument(coordinate, name, kind.of_type, target, own=own)]
        if isinstance(kind, gql.GraphQLEnumType):
            return next(iter(kind.values))
        if isinstance(kind, gql.GraphQLInputObjectType):
            return self._input(kind, target, own=own)
        return self._scalar(coordinate, name, kind.name, target, own=own)

    def target(self, operation: str) -> str:
        """The type that an operation such as `deleteCustomer` is about, by its name."""
        ending = [name for name in self._names if operation.lower().endswith(name.lower())]
        return ending[-1] if ending else ""

    def _fresh(self, value: Any) -> Any:
        if isinstance(value, str):
            found = _POOLED.fullmatch(value)
            return (
                self._pooled(*found.groups()) if found else value.replace(UNIQUE, f"{self._chance.randrange(10**9):09}")
            )
        if isinstance(value, dict):
            return {name: self._fresh(inner) for name, inner in value.items()}
        return [self._fresh(inner) for inner in value] if isinstance(value, list) else value

    def _pooled(self, name: str, field: str) -> Any:
        """`{Invoice.id}`: such a value of something that was found."""
        values = [one[field] for one in self._objects(name) if one.get(field) is not None]
        if not values:
            raise UnfilledError(f"{{{name}.{field}}}: nothing was found")
        return self._chance.choice(values)

    def _input(self, kind: Any, target: str, *, own: bool) -> dict[str, Any]:
        wanted = {name: field for name, field in kind.fields.items() if gql.is_required_input_field(field)}
        if not wanted:
            # An empty change is none, so one field is given: one that is no id, where there is one.
            plain = [name for name in kind.fields if not _ID.fullmatch(name)] or list(kind.fields)
            wanted = {name: kind.fields[name] for name in plain[:1]}
        return {
            name: self.argument(
                f"{kind.name}.{name}",
                name,
                field.type,
                self._inside(field.type, name, target),
                own=own and name == "id",
            )
            for name, field in wanted.items()
        }

    def _inside(self, kind: Any, name: str, target: str) -> str:
        """What an input object inside of another is about: the `lines` of an invoice are what its `lines` are."""
        if isinstance(gql.get_named_type(kind), gql.GraphQLInputObjectType):
            return self._typed(target, name) or target
        return target

    def _typed(self, target: str, field: str) -> str:
        """The object type of a field of `target`; empty when it has none."""
        found = getattr(self._types.get(target), "fields", {}).get(field)
        kind = gql.get_named_type(found.type) if found else None
        return kind.name if isinstance(kind, gql.GraphQLObjectType) else ""

    def _scalar(self, coordinate: str, name: str, scalar: str, target: str, *, own: bool) -> Any:
        found = _ID.fullmatch(name)
        if found or scalar == "ID":
            return self._identifier(coordinate, (found["stem"] or "") if found else name, target, own=own)
        samples = [one[name] for one in self._objects(target) if one.get(name) is not None]
        if scalar == "String":
            return self._like(str(samples[0])) if samples and isinstance(samples[0], str) else self._text(name)
        plain = {"Int": 1, "Float": 1.0, "Boolean": True}
        if scalar == "Int" and samples and not self.own_first:
            # A number that is there already may have to be unique.
            return samples[0] + self._chance.randrange(1, 1000)
        if scalar in plain:
            return samples[0] if samples else plain[scalar]
        return samples[0] if samples else self._custom(coordinate, scalar)

    def _objects(self, name: str) -> list[dict[str, Any]]:
        own, there = self._made.get(name, []), self._pool.get(name, [])
        return [*own, *there] if self.own_first else [*there, *own]

    def _identifier(self, coordinate: str, stem: str, target: str, *, own: bool) -> Any:
        name = (self._typed(target, stem) or self._named(stem)) if stem else target
        objects = self._made.get(name, []) if own else self._objects(name)
        ids = [one["id"] for one in objects if one.get("id") is not None]
        if not ids:
            raise UnfilledError(f"{coordinate}: no {name or stem} {'of its own' if own else 'was found'}")
        return ids[-1] if own else ids[0] if self.own_first else self._chance.choice(ids)

    def _named(self, stem: str) -> str:
        wanted = stem.replace("_", "").lower()
        exact = (name for name in self._names if name.lower() == wanted)
        ending = (name for name in self._names if name.lower().endswith(wanted) or wanted.endswith(name.lower()))
        return next(exact, "") or next(ending, "")

    def _like(self, sample: str) -> str:
        """Another text of the same form: digits for digits, letters for letters; a UUID, a date stay what they are."""
        try:
            return str(UUID(int=self._chance.getrandbits(128), version=4)) if UUID(sample) else sample
        except ValueError:
            pass
        if re.match(r"\d{4}-\d\d-\d\d", sample) or "://" in sample:
            return sample
        return "".join(self._letter(letter) for letter in sample)

    def _letter(self, letter: str) -> str:
        for alphabet in ("0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
            if letter in alphabet:
                return self._chance.choice(alphabet)
        return letter

    def _text(self, name: str) -> str:
        unique = f"{self._chance.randrange(10**9):09}"
        if "mail" in name.lower():
            return f"certify{unique}@example.org"
        return f"https://example.org/{unique}" if "url" in name.lower() else f"Certify {unique}"

    def _custom(self, coordinate: str, scalar: str) -> Any:
        name = scalar.lower()
        now = datetime.now(UTC) + timedelta(days=1)
        if name in {"date", "localdate"}:
            return now.date().isoformat()
        if name in {"datetime", "timestamp", "instant", "date_time"}:
            return now.isoformat(timespec="seconds")
        if name == "uuid":
            return str(UUID(int=self._chance.getrandbits(128), version=4))
        if name.startswith("json"):
            return {}
        if name in _MADE:
            return _MADE[name]
        raise UnfilledError(f"{coordinate}: nothing is known of the scalar {scalar}")
