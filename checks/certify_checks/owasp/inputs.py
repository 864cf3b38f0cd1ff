"""Inputs that get past the front door: real identifiers, usual page sizes, samples of custom scalars."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

import httpx
from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_object_type,
    is_required_argument,
    is_specified_scalar_type,
)

from certify.api import Service
from certify_checks.http import Client

# What schemathesis makes values of by itself.
_KNOWN = {"Date", "Time", "DateTime", "IP", "IPv4", "IPv6", "BigInt", "Long", "UUID"}
_SAMPLES = ("1", "text", "")
_PER_FIELD, _MOST = 3, 120
# Half of the inputs stay wild.
_SHARE = 0.5
_TOKEN = "CERTIFY_SCHEMA_TOKEN"  # noqa: S105 - name of a variable


def scalars(schema: GraphQLSchema, samples: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Sample texts for each scalar that schemathesis does not know."""
    custom = [one for one in schema.type_map.values() if isinstance(one, GraphQLScalarType)]
    names = (one.name for one in custom if not is_specified_scalar_type(one) and one.name not in _KNOWN)
    return {name: list(samples.get(name, _SAMPLES)) for name in sorted(names)}


async def identifiers(client: Client, gateway: Service, schema: GraphQLSchema, token: str) -> tuple[str, ...]:
    """Some real `id`s, from every list that can be asked for without an argument."""
    fields = list(_listing(schema.query_type))
    answers = await asyncio.gather(*(_ids(client, gateway, field, token) for field in fields))
    return tuple(dict.fromkeys(one for ids in answers for one in ids))[:_MOST]


def _listing(query: GraphQLObjectType | None) -> Iterator[str]:
    for name, field in query.fields.items() if query else ():
        if _is_list(field) and not any(map(is_required_argument, field.args.values())):
            yield name


def _is_list(field: GraphQLField) -> bool:
    of = get_named_type(field.type)
    return is_list_type(get_nullable_type(field.type)) and is_object_type(of) and "id" in of.fields


async def _ids(client: Client, gateway: Service, field: str, token: str) -> Iterable[str]:
    try:
        answer = await client.graphql(gateway, f"{{ {field} {{ id }} }}", token=token)
    except httpx.HTTPError:
        return ()  # the run itself meets the same failure and reports it
    rows = answer.data.get(field)
    found = [row.get("id") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return [one for one in found if isinstance(one, str) and one.isascii()][:_PER_FIELD]


def settings(token: str, ids: Sequence[str]) -> str:
    """The text of `schemathesis.toml`; the token itself travels in the environment."""
    lines = ['hooks = "certify_checks.owasp.scalars"']
    if token:
        lines += ["[headers]", f'Authorization = "Bearer ${{{_TOKEN}}}"']
    pages = {"dictionary": "pages", "values": [1, 2, 20, 100], "kind": "integer"}
    texts = {"dictionary": "ids", "values": list(ids), "kind": "string"}
    used = [one for one in (pages, texts) if one["values"]]
    for one in used:
        lines += [f"[dictionaries.{one['dictionary']}]", f"values = {json.dumps(one['values'])}"]
    lines.append("[generation.dictionaries]")
    lines += [f'{one["kind"]} = {{ dictionary = "{one["dictionary"]}", probability = {_SHARE} }}' for one in used]
    return "\n".join(lines) + "\n"


def environment(token: str, samples: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What schemathesis is told apart from its settings; argument lists and files are more easily read by others."""
    return {_TOKEN: token, "CERTIFY_SCHEMA_SCALARS": json.dumps(samples)}
