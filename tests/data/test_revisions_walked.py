"""An empty workspace goes up, down and up again, and at each revision its schema is the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event

from data.test_upgrading import NUMBERS, defined
from traintui.data import schema


@contextmanager
def walk(conninfo: str) -> Iterator[dict[str | None, dict[tuple[str, str], str]]]:
    """The schema at each revision through which the block leads. It is looked at where a transaction has begun and has
    done nothing yet."""
    found: dict[str | None, dict[tuple[str, str], str]] = {}

    def look() -> None:
        if (number := schema.current_revision(conninfo)) not in found:
            found[number] = defined(conninfo)

    def about_to(_on: Connection, _cursor: Any, statement: str, _parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith("SET LOCAL"):
            look()

    event.listen(Engine, "before_cursor_execute", about_to)
    try:
        yield found
        look()
    finally:
        event.remove(Engine, "before_cursor_execute", about_to)


def test_each_revision_goes_up_down_and_up_again_in_an_empty_workspace(empty: str) -> None:
    schema.upgrade(empty, NUMBERS[0])
    schema.downgrade(empty, "base")
    with walk(empty) as up:
        schema.upgrade(empty)
    with walk(empty) as down:
        schema.downgrade(empty, "base")
    with walk(empty) as again:
        schema.upgrade(empty)
    assert list(up) == list(again) == [None, *NUMBERS] and list(down) == [*reversed(NUMBERS), None]
    assert [number for number in up if not up[number] == down[number] == again[number]] == []
