"""A log is saved as CSV that a spreadsheet reads and does not run, as a whole or not at all."""

from __future__ import annotations

import asyncio
import csv
import os
from pathlib import Path

import psycopg
import pytest

from support import Conninfo, beside, imported, seen
from traintui.audit.csv_export import save_csv
from traintui.data import log_lines, reviews
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.log_fields import EXPORTS, GENERATIONS, REVIEWS
from traintui.errors import TraintuiError

EVIL = (
    "=1+1", "+1", "-1+2", "@SUM(A1)", "\tx", "\rx", '="a";b,"c"', "plain", "with \"quotes\", commas\nand lines", "'=1",
    "1e5", "\u200b=1", "",
)  # fmt: skip
NUMBER = len(EVIL)
CALLS = """
    INSERT INTO generation_logs (kind, state, requested_by, endpoint, is_rehearsal, model, parameters, request_payload,
                                 error_message, cost_usd, duration_ms)
    VALUES ('generate', 'error', 'ada', 'https://a', false, %s, '{}', '{"secret": 1}', %s, 0.000001, 12)
"""


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


async def test_cells_that_a_spreadsheet_would_run_begin_with_an_apostrophe_and_numbers_stay_numbers(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        for said in EVIL:
            connection.execute(CALLS, [said or "m", said])
    path = tmp_path / "calls.csv"
    saved = await save_csv(db, GENERATIONS, GENERATIONS.read(""), path)
    rows = read(path)[::-1]
    assert (saved.rows, saved.size, saved.path) == (NUMBER, path.stat().st_size, path)
    for said, row in zip(EVIL, rows, strict=True):
        tame = "'" + said if said[:1] in tuple("=+-@\t\r") and said else said
        assert row["error_message"] == tame
        assert (row["cost_usd"], row["duration_ms"], row["is_rehearsal"]) == ("0.000001", "12", "false")
        assert len(row["row_hash"]) == 64 and row["created_at"].endswith("Z") and row["conversation_id"] == ""
    assert "secret" not in path.read_text()
    assert os.listdir(tmp_path) == ["calls.csv"]


async def test_a_filter_says_which_rows(db: Database, tmp_path: Path) -> None:
    ids = await imported(db, 3)
    await reviews.decide(db, await seen(db, ids[0]), "reject", key=reviews.new_key(), reason="Wrong", notes="-5 %, no")
    saved = await save_csv(db, REVIEWS, REVIEWS.read("action:reject"), tmp_path / "r.csv")
    (row,) = read(tmp_path / "r.csv")
    assert saved.rows == 1
    assert (row["conversation_id"], row["reason"], row["reviewer_notes"]) == (ids[0], "Wrong", "'-5 %, no")
    assert (await save_csv(db, EXPORTS, EXPORTS.read(""), tmp_path / "e.csv")).rows == 0
    assert (tmp_path / "e.csv").read_bytes().startswith(b"export_id,") and read(tmp_path / "e.csv") == []


async def test_what_stands_there_is_replaced_only_when_asked(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "there.csv"
    path.write_text("mine")
    with pytest.raises(TraintuiError, match="is there already"):
        await save_csv(db, EXPORTS, EXPORTS.read(""), path)
    assert path.read_text() == "mine"
    await save_csv(db, EXPORTS, EXPORTS.read(""), path, replace=True)
    assert path.read_text().startswith("export_id")
    with pytest.raises(TraintuiError, match="No such file"):
        await save_csv(db, EXPORTS, EXPORTS.read(""), tmp_path / "none" / "x.csv")


async def test_one_that_is_stopped_leaves_nothing(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await imported(db, 5)
    monkeypatch.setattr(log_lines, "AT_ONCE", 1)
    begun = asyncio.Event()
    writing = asyncio.ensure_future(
        save_csv(db, REVIEWS, REVIEWS.read(""), tmp_path / "x.csv", progress=lambda _: begun.set())
    )
    await beside(writing, begun.wait())
    assert [name.endswith(".partial") for name in os.listdir(tmp_path)] == [True]
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert os.listdir(tmp_path) == []
