"""Views: a filter with an order and columns, under a name, of conversations or of a log. Some are built in, the others
are saved by people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import or_, select, text

from traintui.data.engine import Database
from traintui.data.storable import as_json, storable
from traintui.data.view_models import SavedViewRow as V

Viewed = Literal["conversations", "generations", "reviews", "exports"]
"""What a view is of."""
LONGEST_NAME = 80
"""Characters that the database takes for a name."""


@dataclass(frozen=True, slots=True)
class SavedView:
    """A view: `id` None and no owner where it is built in. `sort` is the text of an order, empty for the usual one;
    `columns` is what the table wrote, empty for the usual ones."""

    id: int | None
    name: str
    owner: str
    shared: bool
    filter_text: str
    sort: str
    columns: tuple[Any, ...] = ()

    @property
    def is_built_in(self) -> bool:
        """Whether it is there in every workspace, and stays."""
        return self.id is None


def built_in(name: str, filter_text: str, sort: str = "") -> SavedView:
    return SavedView(None, name, "", True, filter_text, sort)


BUILT_IN = (
    built_in("Waiting for review", "status:generated"),
    built_in("Lowest score first", "", "score"),
    built_in("Flagged", "is:flagged"),
    built_in("Approved this week", "status:approved reviewed>=-7d"),
    built_in("Stale: the source has changed", "is:stale"),
    built_in("Trash", "is:deleted"),
)
"""What everybody has of conversations."""
BUILT_IN_OF: Mapping[Viewed, tuple[SavedView, ...]] = {
    "conversations": BUILT_IN,
    "generations": (
        built_in("Failed this week", "is:failed created>=-7d"),
        built_in("Dearest first", "", "-cost"),
        built_in("Slowest first", "", "-took"),
        built_in("Most tokens first", "", "-tokens"),
        built_in("Cost is an estimate", "is:estimated"),
    ),
    "reviews": (
        built_in("Rejected this week", "action:reject created>=-7d"),
        built_in("By reviewer", "action:approve,reject", "reviewer"),
        built_in("Quicker than three seconds", "action:approve,reject took<3"),
        built_in("Taken back", "-is:standing"),
    ),
    "exports": (
        built_in("Most conversations first", "state:succeeded", "-count"),
        built_in("Not finished", "-state:succeeded"),
        built_in("This month", "created>=-30d"),
    ),
}
"""What everybody has."""

COLUMNS = (V.id, V.name, V.owner, V.shared, V.filter, V.sort, V.columns)


def view_of(row: Sequence[Any]) -> SavedView:
    view_id, name, owner, shared, filter_text, sort, columns = row
    return SavedView(view_id, name, owner, shared, filter_text, sort, tuple(columns))


async def views(db: Database, of: Viewed = "conversations") -> tuple[SavedView, ...]:
    """Those that are built in, one's own, and those that others share, each part by name."""
    statement = (
        select(*COLUMNS)
        .where(V.log == of, or_(V.owner == db.login, V.shared))
        .order_by(V.owner != db.login, V.name, V.owner)
    )
    async with db.read() as connection:
        return (*BUILT_IN_OF[of], *(view_of(row) for row in await connection.execute(statement)))


async def save(
    db: Database,
    name: str,
    filter_text: str,
    sort: str = "",
    columns: Sequence[Any] = (),
    *,
    shared: bool = False,
    of: Viewed = "conversations",
) -> SavedView:
    """Saves a view of one's own; one of this name is replaced. Raises `Refused` when one may not, or the name is blank
    or longer than 80 characters."""
    async with db.write() as connection:
        row = await connection.execute(
            text(
                "SELECT id, name, owner, shared, filter, sort, columns"
                " FROM save_view(:name, :filter, :sort, CAST(:columns AS jsonb), :shared, :log)"
            ),
            {
                "name": storable(name.strip()), "filter": storable(filter_text.strip()), "sort": storable(sort),
                "columns": as_json(list(columns)), "shared": shared, "log": of,
            },
        )  # fmt: skip
        return view_of(row.one())


async def delete(db: Database, view_id: int) -> None:
    """Deletes a view of one's own; an administrator also a shared one. Raises `Refused`."""
    async with db.write() as connection:
        await connection.execute(text("SELECT delete_view(:id)"), {"id": view_id})
