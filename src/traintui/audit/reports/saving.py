"""A report on the disk: a page of Markdown with date and seal, its rows as CSV. The page is an anchor, since it left
the database; and the anchors file knows of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from traintui.audit.anchors import note_report, seal_line
from traintui.audit.reports.making import Made
from traintui.audit.reports.model import Report, utc
from traintui.audit.words import number_of
from traintui.data.engine import Database
from traintui.errors import TraintuiError

ON_THE_PAGE = 50
"""Rows that stand on the page; all of them are in the CSV."""


@dataclass(frozen=True, slots=True)
class Saved:
    """Where a report stands, and what to know of that."""

    page: Path
    csv: Path
    note: str = ""


async def save(db: Database, made: Made, folder: Path) -> Saved:
    """Writes page and CSV into a folder, which is made where there is none; nothing that stands there is replaced.
    Raises `TraintuiError` when they cannot be written; then neither is there."""
    try:
        page, csv = await asyncio.to_thread(write, made, folder)
    except OSError as error:
        raise TraintuiError(
            "Report not saved", f"{folder} cannot be written ({error.strerror or error}).",
            "Free some room, or name another folder. Nothing was left behind.",
        ) from error  # fmt: skip
    seal = made.report.seal
    if db.home is None or seal is None:
        return Saved(page, csv)
    try:
        await asyncio.to_thread(note_report, db.home, page, seal, db.label)
    except OSError as error:
        note = f"The anchors in {db.home} cannot be written ({error.strerror or error}): verify will not look for it."
        return Saved(page, csv, note)
    return Saved(page, csv)


async def save_rows(made: Made, path: Path, *, replace: bool = False) -> Path:
    """Writes all rows of a report as CSV, as a whole or not at all; what stands there is replaced where that is wanted.
    Raises `TraintuiError` when it cannot be written, or something stands there that is not to be replaced."""
    if not replace and await asyncio.to_thread(os.path.lexists, path):
        raise TraintuiError("Report not saved", f"{path} is there already.", "Choose another name.")
    try:
        return await asyncio.to_thread(write_rows, made, path)
    except OSError as error:
        raise TraintuiError(
            "Report not saved", f"{path} cannot be written ({error.strerror or error}).",
            "Free some room, or name another file. Nothing was left behind.",
        ) from error  # fmt: skip


def write_rows(made: Made, path: Path) -> Path:
    """The CSV alone. Blocks; raises `OSError`, and then what stood there still does."""
    path = path.expanduser().absolute()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:60]}.", suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as target:
            made.csv.seek(0)
            shutil.copyfileobj(made.csv, target)
            target.flush()
            os.fsync(target.fileno())
        Path(name).replace(path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(name)  # it is not there once it has its own name
    return path


def write(made: Made, folder: Path) -> tuple[Path, Path]:
    """Page and CSV. Blocks; raises `OSError`, and then neither is left."""
    folder = folder.expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    report = made.report
    stem = f"traintui-report-{report.kind.name}-{report.made_at:%Y%m%dT%H%M%S}"
    number, written = 1, list[Path]()
    try:
        while True:
            name = stem if number == 1 else f"{stem}-{number}"
            page, csv = folder / f"{name}.md", folder / f"{name}.csv"
            try:
                target = csv.open("xb")
                break
            except FileExistsError:
                number += 1
        with target:
            written.append(csv)
            made.csv.seek(0)
            shutil.copyfileobj(made.csv, target)
        with page.open("x", encoding="utf-8") as text:
            written.append(page)
            text.write(page_of(report, csv.name))
    except BaseException:
        for path in written:
            with contextlib.suppress(OSError):
                path.unlink()
        raise
    return page, csv


def page_of(report: Report, csv_name: str) -> str:
    """The page: the verdict, from what data, the seal, and the first rows."""
    answer, kind = report.answer, report.kind
    lines = [
        f"# {kind.title}: {report.verdict}", "",
        f"{kind.claim}, {report.period.says}: **{'pass' if answer.passed else 'fail'}**. {plain(answer.says)}.", "",
        "| | |", "|---|---|",
        *(f"| {plain(name)} | {plain(value)} |" for name, value in answer.facts), "",
        f"Made {utc(report.made_at)} by {plain(report.made_by)} from {plain(report.database)}.", "",
    ]  # fmt: skip
    if report.seal is None:
        lines += ["Nothing is sealed in this workspace yet.", ""]
    else:
        lines += [seal_line(report.seal), "", "`traintui audit verify` compares this seal with the record.", ""]
    lines += [*(f"- {plain(note)}" for note in answer.notes), ""]
    lines += [f"## {kind.rows_are.capitalize()}", ""]
    if report.number:
        shown = report.rows[:ON_THE_PAGE]
        lines += [f"| {' | '.join(kind.columns)} |", f"|{'---|' * len(kind.columns)}"]
        lines += [f"| {' | '.join(plain(cell) for cell in row)} |" for row in shown]
        lines.append("")
        if report.number > len(shown):
            lines += [f"And {report.number - len(shown):,} more.", ""]
    else:
        lines += ["None.", ""]
    lines += [f"All {number_of(report.number, 'row')}: `{csv_name}`, SHA-256 `{report.csv_sha256}`.", ""]
    for plot in answer.plots:
        shown_values = [(label, value) for label, value in zip(plot.labels, plot.values, strict=True) if value]
        if shown_values:
            lines += [f"## {plot.title}", "", "| | |", "|---|---:|"]
            lines += [f"| {label} | {value:,} |" for label, value in shown_values]
            lines.append("")
    return "\n".join(lines)


def plain(written: str) -> str:
    """Text as Markdown shows it and does nothing with it, in one line of a table."""
    shown = "".join(sign if sign.isprintable() else " " for sign in written)
    for sign in "\\`*_[]<>|#":
        shown = shown.replace(sign, f"\\{sign}")
    return shown
