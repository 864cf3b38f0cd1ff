"""Reading tables so that their contents can be compared, whatever their columns are."""

from collections.abc import Sequence
from typing import Any

from certify_checks.replay.model import Content, Detail, Row

# jsonb orders the members of an object by name and keeps the scale of numbers: one text for one value.
_DIGEST = "left(encode(sha256(convert_to((to_jsonb(t) - $1::text[])::text, 'UTF8')), 'hex'), 32)"
_COLUMNS = """
    SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
           coalesce(a.attnum = ANY (i.indkey), false) AS in_key
    FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
    WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname
"""


def quote(*names: str) -> str:
    """Names as SQL identifiers: `schema.table`."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def name_of(column: str) -> str:
    """The name in `name: type`."""
    return column.rpartition(": ")[0]


async def keys_of(connection: Any, schema: str, table: str) -> tuple[str, ...]:
    """The columns of the primary key."""
    columns = await connection.fetch(_COLUMNS, quote(schema, table))
    return tuple(column["name"] for column in columns if column["in_key"])


async def read_table(connection: Any, schema: str, table: str, keys: Sequence[str], ignore: Sequence[str]) -> Content:
    """All rows of one table as key and digest, ordered by key.

    Rows of a table without a primary key are told apart by their digest and how often it came before.
    """
    columns = await connection.fetch(_COLUMNS, quote(schema, table))
    if not columns:
        return Content(table, missing=True)
    names = {column["name"] for column in columns}
    usable = keys if keys and names.issuperset(keys) else ()
    key = f"jsonb_build_array({', '.join(f't.{quote(name)}' for name in usable)})::text" if usable else _numbered()
    statement = f"SELECT {key} AS key, {_DIGEST} AS digest FROM {quote(schema, table)} t"  # noqa: S608 - quoted names
    statement = f'SELECT key, digest FROM ({statement}) r ORDER BY key COLLATE "C"'  # noqa: S608 - see above
    rows = await connection.fetch(statement, list(ignore))
    shown = tuple(f"{column['name']}: {column['type']}" for column in columns if column["name"] not in ignore)
    return Content(table, shown, tuple(Row(row["key"], row["digest"]) for row in rows))


def _numbered() -> str:
    return f"jsonb_build_array({_DIGEST}, row_number() OVER (PARTITION BY {_DIGEST}))::text"


async def altered_columns(
    connection: Any, schemas: tuple[str, str], table: str, keys: Sequence[str], key: str
) -> Detail:
    """Which columns of the row with that key differ between two schemas."""
    made = f"jsonb_build_array({', '.join(f't.{quote(name)}' for name in keys)})::text"
    first, second = (
        f"SELECT e.key, e.value FROM {quote(schema, table)} t, jsonb_each(to_jsonb(t)) e WHERE {made} = $1"  # noqa: S608 - quoted names
        for schema in schemas
    )
    rows = await connection.fetch(
        f"WITH a AS ({first}), b AS ({second}) SELECT key FROM a FULL JOIN b USING (key) "  # noqa: S608 - quoted names
        "WHERE a.value IS DISTINCT FROM b.value ORDER BY key",
        key,
    )
    return Detail(table, key, tuple(row["key"] for row in rows))


async def plant_canary(connection: Any, source: str, target: str, content: Content, keys: Sequence[str]) -> None:
    """Copy the rows of `content` into another schema, then delete the first and blank a column of the last."""
    made = f"jsonb_build_array({', '.join(f't.{quote(name)}' for name in keys)})::text"
    chosen = [row.key for row in content.rows]
    copied, original = quote(target, content.table), quote(source, content.table)
    await connection.execute(f"CREATE TABLE {copied} AS SELECT * FROM {original} WHERE false")  # noqa: S608 - quoted names
    await connection.execute(
        f"INSERT INTO {copied} SELECT * FROM {original} t WHERE {made} = ANY ($1)",  # noqa: S608 - quoted names
        chosen,
    )
    await connection.execute(f"DELETE FROM {copied} t WHERE {made} = $1", chosen[0])  # noqa: S608 - quoted names
    for column in content.columns:
        name = quote(name_of(column))
        if name_of(column) in keys:
            continue
        done = await connection.execute(
            f"UPDATE {copied} t SET {name} = NULL WHERE {made} = $1 AND {name} IS NOT NULL",  # noqa: S608 - quoted names
            chosen[-1],
        )
        if done.endswith(" 1"):
            return
