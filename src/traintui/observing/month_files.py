"""A month as files: a page of Markdown and one of HTML, which say the same."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from pathlib import Path

from traintui.data.engine import Database
from traintui.errors import TraintuiError
from traintui.observing.month_page import Page, html, markdown, page
from traintui.observing.month_records import Month
from traintui.observing.months import before, figures_of

FOLDER = "reports"
"""Where they are saved in the home, when nobody said otherwise."""


async def page_of(db: Database, month: Month) -> Page:
    """The page of a month, beside the one before. Raises as `figures_of` does."""
    return page(await figures_of(db, month), await before(db, month), db.label)


async def save(shown: Page, month: Month, folder: Path) -> tuple[Path, Path]:
    """Writes both files into a folder, which is made where there is none; those of the same month are replaced. Raises
    `TraintuiError` when they cannot be written."""
    try:
        return await asyncio.to_thread(_write, shown, month, folder)
    except OSError as error:
        raise TraintuiError(
            "Report not saved", f"{folder} cannot be written ({error.strerror or error}).",
            "Free some room, or name another folder.",
        ) from error  # fmt: skip


def are_saved(month: Month, folder: Path) -> bool:
    """Whether both files of a month are in a folder. Blocks."""
    return all(path.exists() for path in paths(month, folder))


def paths(month: Month, folder: Path) -> tuple[Path, Path]:
    """The files of a month: Markdown, and HTML."""
    stem = f"traintui-database-{month}"
    return folder / f"{stem}.md", folder / f"{stem}.html"


def _write(shown: Page, month: Month, folder: Path) -> tuple[Path, Path]:
    folder = folder.expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    written = paths(month, folder)
    for path, content in zip(written, (markdown(shown), html(shown)), strict=True):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as target:
                target.write(content)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(name)  # it is not there once it has its own name
    return written
