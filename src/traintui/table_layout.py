"""Which columns this person's table has, how wide they are, and its order: kept beside the settings file.

A comfort: where the file cannot be read or written, the app goes on without it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from traintui.settings import config_path

FILE = "table.json"


@dataclass(frozen=True, slots=True)
class TableLayout:
    """The columns by name, in order (empty: the usual ones), their widths in cells, and the order of the rows."""

    columns: tuple[str, ...] = ()
    widths: dict[str, int] = field(default_factory=dict)
    sort: str = ""

    def as_json(self) -> dict[str, Any]:
        """What is written down."""
        return {"columns": list(self.columns), "widths": self.widths, "sort": self.sort}


def layout_path() -> Path | None:
    """Where it is kept; None when there is to be no such file."""
    path = config_path()
    return None if path == Path(os.devnull) else path.parent / FILE


def read_layout(path: Path | None) -> TableLayout:
    """What was kept, or the usual layout."""
    try:
        return layout_of(orjson.loads(path.read_bytes())) if path else TableLayout()
    except (OSError, ValueError):
        return TableLayout()


def layout_of(written: Any) -> TableLayout:
    """A layout as it was written down; what is no part of one is left out."""
    if not isinstance(written, dict):
        return TableLayout()
    columns, widths, sort = (written.get(name) for name in ("columns", "widths", "sort"))
    return TableLayout(
        tuple(dict.fromkeys(name for name in columns if isinstance(name, str))) if isinstance(columns, list) else (),
        {str(name): width for name, width in widths.items() if isinstance(width, int) and 0 <= width <= 200}
        if isinstance(widths, dict)
        else {},
        sort if isinstance(sort, str) else "",
    )


def write_layout(path: Path | None, layout: TableLayout) -> None:
    """Keeps a layout: whole, or as it was."""
    if path is None:
        return
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{FILE}.{os.getpid()}")
        partial.write_bytes(orjson.dumps(layout.as_json(), option=orjson.OPT_INDENT_2))
        partial.replace(path)
