"""The statements of one entity. Identifiers come from declarations, values always travel as parameters."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from certify_stack.kit.database import Connection
from certify_stack.kit.model import Entity

CHILDREN_PER_PARENT = 100


class Store:
    """Reads and writes the rows of one entity."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self.columns = ("id", *(field.column for field in entity.fields), "created_at", "updated_at")
        self._list = ", ".join(self.columns)
        self._by_ids = f"SELECT {self._list} FROM {entity.table} WHERE id = ANY($1::uuid[])"  # noqa: S608 - declared names

    async def by_ids(self, db: Connection, ids: Sequence[UUID]) -> dict[UUID, Any]:
        """Return the rows that exist, by id, with one statement."""
        rows = await db.fetch(self._by_ids, list(ids))
        return {row["id"]: row for row in rows}

    async def page(self, db: Connection, filters: Mapping[str, Any], limit: int, offset: int) -> list[Any]:
        """Return rows, newest first, that equal ``filters`` (column -> value)."""
        wheres = " AND ".join(f"{column} = ${number}" for number, column in enumerate(filters, 3)) or "TRUE"
        query = (
            f"SELECT {self._list} FROM {self.entity.table} WHERE {wheres} "  # noqa: S608 - declared names
            "ORDER BY created_at DESC, id LIMIT $1 OFFSET $2"
        )
        rows: list[Any] = await db.fetch(query, limit, offset, *filters.values())
        return rows

    async def children(self, db: Connection, column: str, parents: Sequence[UUID]) -> dict[UUID, list[Any]]:
        """Return up to 100 rows for each parent, oldest first, with one statement."""
        query = (
            f"SELECT {self._list} FROM (SELECT {self._list}, row_number() OVER "  # noqa: S608 - declared names
            f"(PARTITION BY {column} ORDER BY created_at, id) AS nth FROM {self.entity.table} "
            f"WHERE {column} = ANY($1::uuid[])) AS numbered WHERE nth <= $2 ORDER BY {column}, nth"
        )
        grouped: dict[UUID, list[Any]] = {parent: [] for parent in parents}
        for row in await db.fetch(query, list(parents), CHILDREN_PER_PARENT):
            grouped[row[column]].append(row)
        return grouped

    async def insert(self, db: Connection, values: Mapping[str, Any]) -> Any:
        """Insert one row (column -> value) and return it whole."""
        marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
        query = (
            f"INSERT INTO {self.entity.table} ({', '.join(values)}) VALUES ({marks}) "  # noqa: S608 - declared names
            f"RETURNING {self._list}"
        )
        return await db.fetchrow(query, *values.values())

    async def update(self, db: Connection, key: UUID, values: Mapping[str, Any]) -> Any:
        """Change columns of one row and return it whole, or None when there is no such row."""
        changes = "".join(f"{column} = ${number}, " for number, column in enumerate(values, 2))
        query = (
            f"UPDATE {self.entity.table} SET {changes}updated_at = now() "  # noqa: S608 - declared names
            f"WHERE id = $1 RETURNING {self._list}"
        )
        return await db.fetchrow(query, key, *values.values())

    async def delete(self, db: Connection, key: UUID) -> Any:
        """Delete one row and return what it held, or None when there is no such row."""
        query = f"DELETE FROM {self.entity.table} WHERE id = $1 RETURNING {self._list}"  # noqa: S608 - declared names
        return await db.fetchrow(query, key)
