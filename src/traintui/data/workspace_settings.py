"""The rules that everybody shares, as rows. Only administrators change them; a trigger writes down who did and when."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select, update

from traintui.data.engine import Database
from traintui.data.models import WorkspaceSetting as S


async def values(db: Database, prefix: str) -> dict[str, Any]:
    """The settings whose keys begin with `prefix`, in the order of their keys."""
    statement = select(S.key, S.value).where(S.key.startswith(prefix, autoescape=True)).order_by(S.key)
    async with db.read() as connection:
        return {key: value for key, value in await connection.execute(statement)}


async def change(db: Database, key: str, value: Any) -> None:
    """Sets one for everybody. Raises `Refused` for who is no administrator."""
    async with db.write() as connection:
        # Not one statement that does either: the record would hold both.
        changed = await connection.execute(update(S).where(S.key == key).values(value=value))
        if not changed.rowcount:
            await connection.execute(insert(S).values(key=key, value=value))
