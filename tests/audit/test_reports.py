"""Reports say pass or fail, from what data, and name every exception; what is saved bears the seal of the record."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aging import aged_exports
from support import (  # fmt: skip
    Conninfo,
    add_vocabulary,
    approved,
    generated,
    import_items,
    imported,
    logged_in,
    planned,
    said,
    scalar,
    seen,
    sqlstate,
    turns_of,
)
from traintui.audit.reports import activity as activity_report
from traintui.audit.reports import making
from traintui.audit.reports.activity import Activity, agreement, is_too_quick
from traintui.audit.reports.cells import harmless
from traintui.audit.reports.making import Asked, make
from traintui.audit.reports.manifests import read
from traintui.audit.reports.model import Report, percent
from traintui.audit.reports.saving import page_of, save
from traintui.audit.retiring import retire_due
from traintui.audit.sealing import seal_and_anchor
from traintui.audit.verifying import verify
from traintui.data import (
    bulk,
    exports,
    purging,
    record_looks,
    report_activity,
    report_approvals,
    report_reviewed,
    retention,
    reviews,
    second_review,
)
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.export_reading import ids_of
from traintui.data.exports import manifest_name
from traintui.data.report_activity import Decided
from traintui.data.reviews import new_key
from traintui.data.second_review import SecondReview
from traintui.errors import TraintuiError
from traintui.export.request import ExportRequest
from traintui.export.tokens import CHARACTERS_PER_TOKEN
from traintui.export.write import ExportSummary, run_export

Tamper = Callable[..., None]


@pytest.fixture
def tamper(conninfo: Conninfo) -> Tamper:
    """Runs statements as a superuser whom no trigger stops."""

    def run(*statements: str) -> None:
        with psycopg.connect(conninfo(SUPERUSER)) as connection:
            connection.execute("SET session_replication_role = replica")
            for statement in statements:
                assert connection.execute(statement.encode()).rowcount > 0, statement

    return run


async def report(db: Database, name: Any, **asked: Any) -> Report:
    made = await make(db, Asked(name, **asked), zone=UTC)
    made.close()
    return made.report


async def rejected(db: Database, public: str, **remarks: Any) -> None:
    await reviews.decide(db, await seen(db, public), "reject", key=new_key(), **remarks)


async def exported(db: Database, path: Path, words: str = "") -> ExportSummary:
    return await run_export(db, ExportRequest(path, filter_text=words))


async def now(db: Database) -> datetime:
    moment: datetime = await scalar(db, "SELECT clock_timestamp()")
    return moment


def named(found: Report, column: str) -> list[str]:
    place = found.kind.columns.index(column)
    return [row[place] for row in found.rows]


# Reviewed -------------------------------------------------------------------------------------------------------------


async def test_every_conversation_with_a_text_was_reviewed_or_is_named(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_reviewed, "STRETCH", 2)
    assert (await report(db, "reviewed")).answer.passed
    await add_vocabulary(db)
    await planned(db)
    one, two, three, four = await imported(db, 4)
    (five,) = await generated(db)
    keys = await ids_of(db, [two, four])
    await approved(db, one)
    await bulk.decide(db, [keys[two]], "reject", seen=await bulk.snapshot(db))
    await approved(db, three)
    await reviews.undo_last(db, key=new_key())
    await bulk.trash(db, [keys[four]], True)
    found = await report(db, "reviewed")
    assert not found.answer.passed
    assert sorted(named(found, "conversation")) == sorted([three, five])
    facts = dict(found.answer.facts)
    assert facts["conversations with a text, not in the trash"] == "4"
    assert facts["reviewed"] == "50.0 %"
    assert facts["of those reviewed: only in bulk"] == "1"
    assert dict(zip(named(found, "conversation"), named(found, "decisions_taken_back"), strict=True))[three] == "1"
    await approved(db, three, five)
    again = await report(db, "reviewed")
    assert again.answer.passed
    assert again.number == 0


async def test_it_is_as_of_any_moment(db: Database) -> None:
    before = await now(db)
    one, two = await imported(db, 2)
    await approved(db, one)
    middle = await now(db)
    await approved(db, two, *await imported(db, 1))
    await reviews.undo_last(db, key=new_key())
    assert (await report(db, "reviewed", until=before)).answer.says == "there was no conversation to review"
    then = await report(db, "reviewed", until=middle)
    assert named(then, "conversation") == [two]
    assert not then.period.is_now
    gone = await ids_of(db, [two])
    await bulk.trash(db, list(gone.values()), True)
    assert named(await report(db, "reviewed", until=middle), "conversation") == [two]
    assert len(named(await report(db, "reviewed"), "conversation")) == 1
    await purging.purge(db, list(gone.values()))
    later = await report(db, "reviewed", until=middle)
    assert later.answer.passed
    assert any("purged since" in note for note in later.answer.notes)


async def test_what_was_in_the_trash_then_is_what_the_log_says(db: Database) -> None:
    one, two, three, *_ = await imported(db, 3)
    keys = await ids_of(db, [one, two, three])
    ids = list(keys.values())
    await bulk.trash(db, ids[:2], True)
    in_trash = await now(db)
    await bulk.trash(db, [keys[one]], False)
    restored = await now(db)
    await bulk.trash(db, [keys[one]], True)
    again = await bulk.trash(db, [keys[three]], True)
    both = await now(db)
    await bulk.undo(db, again.bulk_id)
    undone = await now(db)
    await bulk.trash(db, ids[:2], False)
    for moment, there in (
        (in_trash, [three]), (restored, [one, three]), (both, []), (undone, [three]), (await now(db), [one, two, three])
    ):  # fmt: skip
        assert named(await report(db, "reviewed", until=moment), "conversation") == sorted(there)


async def test_a_report_says_which_rows_it_may_not_read_of_open_second_reviews(
    db: Database, reviewer_db: Database, conninfo: Conninfo
) -> None:
    await second_review.ask(db, SecondReview(2, 1.0))
    (one,) = await imported(db, 1)
    await reviews.decide(reviewer_db, await seen(db, one), "approve", key=new_key())
    found = await report(db, "reviewed")
    assert named(found, "conversation") == [one]
    assert any(note.startswith("1 rows of second reviews that are still open") for note in found.answer.notes)
    async with logged_in(conninfo("audrey")) as audrey:
        assert (await report(audrey, "reviewed")).answer.passed


def test_a_hundred_percent_is_said_only_where_nothing_is_missing() -> None:
    assert percent(2, 2) == "100.0 %"
    assert percent(999_999, 1_000_000) == "99.9999 %"
    assert percent(0, 5) == "0.0 %"
    assert percent(1, 1_000_000) == "0.0001 %"


# Approved at its revision ---------------------------------------------------------------------------------------------


async def test_what_left_was_approved_at_its_revision_or_is_named(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_approvals, "PART", 2)
    assert (await report(db, "approved-at-revision")).answer.says == "nothing was exported"
    ids = await imported(db, 5)
    await approved(db, *ids[:4])
    await exported(db, tmp_path / "good.jsonl")
    # Whatever is decided later changes nothing of what left.
    await reviews.edit(db, await seen(db, ids[0]), system_prompt=None, turns=said("Q?", "Another."), key=new_key())
    await rejected(db, ids[1])
    good = await report(db, "approved-at-revision")
    assert good.answer.passed
    assert dict(good.answer.facts)["conversations in them, each time counted"] == "4"
    summary = await exported(db, tmp_path / "bad.jsonl", "status:generated,rejected")
    found = await report(db, "approved-at-revision")
    assert not found.answer.passed
    assert set(named(found, "export")) == {summary.export_id}
    told = dict(zip(named(found, "conversation"), named(found, "what"), strict=True))
    assert told[ids[0]] == "it was generated"
    assert told[ids[1]] == "it was rejected"
    assert told[ids[4]] == "it was generated"
    assert (await report(db, "approved-at-revision", until=good.made_at)).answer.passed


async def test_an_approval_that_an_undo_brought_back_counts(db: Database, tmp_path: Path) -> None:
    one, two = await imported(db, 2)
    await approved(db, one, two)
    await reviews.edit(db, await seen(db, one), system_prompt=None, turns=said("Q?", "Another."), key=new_key())
    await reviews.undo_last(db, key=new_key())
    await reviews.decide(db, await seen(db, two), "reject", key=new_key())
    await reviews.undo_last(db, key=new_key())
    await exported(db, tmp_path / "out.jsonl")
    assert (await report(db, "approved-at-revision")).answer.passed


async def test_an_export_as_of_a_moment_is_held_against_what_was_approved_then(db: Database, tmp_path: Path) -> None:
    one, two = await imported(db, 2)
    await approved(db, one)
    then = await now(db)
    await rejected(db, one)
    await approved(db, two)
    await exported(db, tmp_path / "then.jsonl", f"is:approved@{then.isoformat()}")
    assert (await report(db, "approved-at-revision")).answer.passed


async def test_who_had_no_right_and_what_is_noted_of_another_revision_are_found(
    db: Database, tmp_path: Path, tamper: Tamper
) -> None:
    one, two, three = await imported(db, 3)
    await approved(db, one, two, three)
    summary = await exported(db, tmp_path / "out.jsonl")
    tamper(
        f"UPDATE review_logs SET reviewer_role = 'auditor' WHERE conversation_id = '{one}' AND action = 'approve'",
        f"UPDATE export_rows SET revision = 7 WHERE conversation_id = '{two}'",
        f"DELETE FROM export_rows WHERE conversation_id = '{three}'",
    )
    found = await report(db, "approved-at-revision")
    told = dict(zip(named(found, "conversation"), named(found, "what"), strict=True))
    assert told == {one: "approved by somebody without the right", two: "approved at another revision"}
    assert any(note.startswith(summary.export_id) for note in found.answer.notes)


# Exports attributed ---------------------------------------------------------------------------------------------------


def changed(path: Path, **said: Any) -> None:
    content = json.loads(path.read_bytes())
    path.write_text(json.dumps(content | said))


async def test_every_manifest_is_borne_out_by_the_log_or_is_named(db: Database, tmp_path: Path) -> None:
    await approved(db, *await imported(db, 2))
    summary = await exported(db, tmp_path / "out.jsonl")
    manifest = tmp_path / manifest_name("out.jsonl")
    good = await report(db, "exports-attributed")
    assert good.answer.passed
    facts = dict(good.answer.facts)
    assert (facts["manifests found"], facts["users who exported"]) == ("1", "ada")
    assert facts["exports whose manifest was not found"] == "0"
    for words, told in (
        ({"exported_by": "mallory"}, "it names mallory, and the log ada"),
        ({"export_id": "e-unknown"}, "the log knows no such export"),
        ({"counts": {"conversations": 3}}, "it says 3 conversations, and the log 2"),
        ({"files": [{"name": "out.jsonl", "sha256": "00"}]}, "it has another SHA-256 of out.jsonl than the log"),
    ):
        kept = manifest.read_bytes()
        changed(manifest, **words)
        found = await report(db, "exports-attributed")
        assert named(found, "what") == [told]
        assert named(found, "manifest") == [str(manifest)]
        manifest.write_bytes(kept)
    moved = tmp_path / "elsewhere" / "deep"
    moved.mkdir(parents=True)
    manifest.rename(moved / manifest.name)
    lost = await report(db, "exports-attributed")
    assert lost.answer.passed
    assert dict(lost.answer.facts)["exports whose manifest was not found"] == "1"
    assert dict((await report(db, "exports-attributed", folders=(tmp_path,))).answer.facts)["manifests found"] == "1"
    changed(
        moved / manifest.name, seal={"workspace": "another", "number": 1, "hash": "00", "made_at": ""}, export_id="x"
    )
    other = await report(db, "exports-attributed", folders=(tmp_path,))
    assert other.answer.passed
    assert dict(other.answer.facts)["manifests of other workspaces, left out"] == "1"
    (moved / manifest.name).write_text("{")
    assert any("damaged" in note for note in (await report(db, "exports-attributed", folders=(moved,))).answer.notes)
    assert summary.count == 2


async def test_of_an_older_export_the_data_alone_is_compared(db: Database, tmp_path: Path, tamper: Tamper) -> None:
    await approved(db, *await imported(db, 1))
    await exported(db, tmp_path / "out.jsonl")
    tamper("UPDATE export_logs SET metadata = metadata - 'files' WHERE state = 'succeeded'")
    assert (await report(db, "exports-attributed")).answer.passed
    manifest = tmp_path / manifest_name("out.jsonl")
    changed(manifest, files=[{"name": "out.jsonl", "sha256": "00"}])
    assert named(await report(db, "exports-attributed"), "what") == ["it has another SHA-256 of out.jsonl than the log"]


async def test_an_export_in_the_archive_is_known_still(db: Database, conninfo: Conninfo, tmp_path: Path) -> None:
    await approved(db, *await imported(db, 2))
    await exported(db, tmp_path / "out.jsonl")
    aged_exports(conninfo)
    await seal_and_anchor(db, everything=True)
    assert len((await retire_due(db, await retention.due(db))).retired) == 1
    assert await scalar(db, "SELECT count(*) FROM export_logs") == 0
    good = await report(db, "exports-attributed")
    facts = dict(good.answer.facts)
    assert good.answer.passed and (facts["manifests found"], facts["users who exported"]) == ("1", "ada")
    changed(tmp_path / manifest_name("out.jsonl"), exported_by="mallory")
    found = await report(db, "exports-attributed")
    assert named(found, "what") == ["it names mallory, and the log ada"]


async def test_what_left_in_an_export_of_the_archive_is_held_against_its_approvals(
    db: Database, conninfo: Conninfo, tmp_path: Path, tamper: Tamper
) -> None:
    one, two, three = await imported(db, 3)
    await approved(db, one, two)
    await exported(db, tmp_path / "good.jsonl")
    await rejected(db, two)
    bad = await exported(db, tmp_path / "bad.jsonl", "status:rejected,generated")
    before = await report(db, "approved-at-revision")
    aged_exports(conninfo)
    # Who decided before an export did so before it was made, also where that is put into the past.
    tamper("UPDATE review_logs SET timestamp = '2024-01-02 12:00+00'::timestamptz + id * interval '1 second'")
    await seal_and_anchor(db, everything=True)
    assert len((await retire_due(db, await retention.due(db))).retired) == 1
    found = await report(db, "approved-at-revision")
    assert not found.answer.passed and found.answer.says == before.answer.says
    assert dict(found.answer.facts)["of those in the archive"] == "2"
    told = list(zip(named(found, "export"), named(found, "conversation"), named(found, "what"), strict=True))
    assert told == [(bad.export_id, *each) for each in sorted(((two, "it was rejected"), (three, "it was generated")))]
    tamper("DELETE FROM archive_frames WHERE log IN ('export_rows', 'export_logs')")
    lost = await report(db, "approved-at-revision")
    assert not lost.answer.passed and lost.answer.says == "the archive of exports is not whole, so nobody can say"
    told_so = "4 rows of the export log with 4 conversations were moved to the archive, and it has 0 with 0."
    assert any(note.startswith(told_so) for note in lost.answer.notes)


async def test_an_export_that_ended_and_never_began_is_named(db: Database, tamper: Tamper) -> None:
    for state in ("started", "failed"):
        await exports.record(db, "e-1", state, count=0, filter_state={}, format="trl", metadata={})
    assert (await report(db, "exports-attributed")).answer.passed
    tamper("UPDATE export_logs SET user_id = 'mallory' WHERE state = 'failed'")
    assert named(await report(db, "exports-attributed"), "what") == ["ada began it and mallory ended it"]
    tamper("DELETE FROM export_logs WHERE state = 'started'")
    assert named(await report(db, "exports-attributed"), "what") == ["it ended, and nothing says that it began"]


def test_a_head_is_read_without_the_conversations_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "x.manifest.json"
    head = {"manifest": 1, "export_id": "e-1", "exported_by": "ada", "files": [], "counts": {"conversations": 1}}
    path.write_text(json.dumps(head, indent=2).removesuffix("\n}") + ',\n  "left_out": [\n    [cut off')
    assert (read(path).export_id, read(path).count, read(path).problem) == ("e-1", 1, "")


# Activity -------------------------------------------------------------------------------------------------------------


async def test_what_each_reviewer_did_is_counted(
    db: Database, reviewer_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_activity, "STRETCH", 3)
    before = await now(db)
    long = "It depends on the account. " * 150
    ids = await import_items(
        db, [{"turns": turns_of(f"Question {place}?", long), "line": place} for place in range(6)]
    )  # fmt: skip
    for public, seconds in zip(ids[:3], (60, 80, 1), strict=True):
        await reviews.decide(reviewer_db, await seen(db, public), "approve", key=new_key(), duration_ms=seconds * 1_000)
    await reviews.decide(reviewer_db, await seen(db, ids[3]), "reject", key=new_key(), reason="wrong")
    await reviews.undo_last(reviewer_db, key=new_key())
    await bulk.decide(db, list((await ids_of(db, ids[4:])).values()), "reject", seen=await bulk.snapshot(db))
    found = await report(db, "activity")
    rows = {row[0]: dict(zip(found.kind.columns, row, strict=True)) for row in found.rows}
    assert rows["rita"]["decisions"] == "4"
    assert rows["rita"]["approval_rate"] == "75.0 %"
    assert rows["rita"]["reasons"] == "wrong 1"
    assert (rows["rita"]["undone_later"], rows["rita"]["changed_later"], rows["rita"]["standing"]) == ("1", "0", "3")
    assert rows["rita"]["too_quick"] == "1"
    assert f": approve {ids[2]} revision 1, 1.0 s" in rows["rita"]["too_quick_decisions"]
    assert rows["ada"]["too_quick_decisions"] == ""
    assert 55 <= int(rows["rita"]["seconds_per_1000_tokens"]) <= 65
    assert (rows["ada"]["decisions"], rows["ada"]["in_bulk"], rows["ada"]["too_quick"]) == ("2", "2", "0")
    assert not found.answer.passed
    assert any(ids[2] in note for note in found.answer.notes)
    days, hours = found.answer.plots
    assert sum(days.values) == sum(hours.values) == 6
    await reviews.edit(db, await seen(db, ids[0]), system_prompt=None, turns=said("A?", "B."), key=new_key())
    again = await report(db, "activity")
    changed = dict(zip(again.kind.columns, next(row for row in again.rows if row[0] == "rita"), strict=True))
    assert (changed["changed_later"], changed["standing"]) == ("1", "2")
    assert dict(again.answer.facts)["that stand"] == "4" and "4 of them stand" in again.answer.says
    assert (await report(db, "activity", until=before)).answer.passed
    assert (await report(db, "activity", since=await now(db))).number == 0


async def test_who_agrees_is_known_of_second_reviews_that_are_settled(
    db: Database, reviewer_db: Database, conninfo: Conninfo
) -> None:
    await second_review.ask(db, SecondReview(2, 1.0))
    one, two = await imported(db, 2)
    async with logged_in(conninfo("ron")) as ron:
        for each in (reviewer_db, ron):
            await reviews.decide(each, await seen(each, one), "approve", key=new_key())
        await reviews.decide(reviewer_db, await seen(db, two), "approve", key=new_key())
        await reviews.decide(ron, await seen(ron, two), "reject", key=new_key())
    await reviews.decide(db, await seen(db, two), "reject", key=new_key())
    found = await report(db, "activity")
    assert dict(zip(named(found, "reviewer"), named(found, "agreement"), strict=True))["ron"] == "1 of 2"


def decided(**given: Any) -> Decided:
    at = datetime(2026, 11, 1, 23, 30, tzinfo=UTC)
    usual = Decided(1, "c", 1, "rita", "approve", None, at, False, False, 1_000, 4_000, 4_000, False, False)
    return usual._replace(**given)


def test_quick_decisions_beyond_those_that_are_named_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity_report, "LOOKED_AT", 1)
    activity = Activity(UTC)
    activity.add([decided(id=1, duration_ms=900), decided(id=2, duration_ms=100)])
    (row,) = activity.rows({})
    assert row[-2:] == ("2", "row 2: approve c revision 1, 0.1 s; and 1 more")


def test_only_what_nobody_can_have_read_is_too_quick() -> None:
    assert is_too_quick(decided(duration_ms=44_000))
    assert not is_too_quick(decided(duration_ms=46_000))
    assert not is_too_quick(decided(characters=80))  # at a glance
    assert not is_too_quick(decided(duration_ms=None))
    assert not is_too_quick(decided(again=True))
    assert not is_too_quick(decided(in_bulk=True))
    assert report_activity.CHARACTERS_PER_TOKEN == CHARACTERS_PER_TOKEN


def test_days_are_those_of_who_asks_and_none_is_left_out() -> None:
    activity = Activity(UTC)
    activity.add([decided(), decided(at=decided().at + timedelta(days=2))])
    days, hours = activity.plots()
    assert (days.labels, days.values) == (("2026-11-01", "2026-11-02", "2026-11-03"), (1, 0, 1))
    assert hours.values[23] == 2


def test_agreement_counts_the_decisions_of_the_period_alone() -> None:
    at = decided().at
    pairs = [(("rita", at, "approve"), ("ron", at + timedelta(days=1), "reject"))]
    found = agreement(pairs, at, at + timedelta(hours=1))
    assert {name: (each.number, each.same) for name, each in found.items()} == {"rita": (1, 0)}


@pytest.mark.parametrize("login", ["audrey", "rita"])
async def test_who_decides_nothing_and_who_reviews_may_ask_too(
    db: Database, conninfo: Conninfo, tmp_path: Path, login: str
) -> None:
    await approved(db, *await imported(db, 1))
    await exported(db, tmp_path / "out.jsonl")
    async with logged_in(conninfo(login)) as own:
        for name in making.KINDS:
            found = await report(own, name)
            assert found.answer.passed, found.answer.says
            assert found.made_by == login
            assert found.seal is not None
        note = any("auditor's login" in note for note in (await report(own, "activity")).answer.notes)
        assert note == (login == "rita")


# What is saved --------------------------------------------------------------------------------------------------------


async def test_a_saved_report_bears_the_seal_and_verify_compares_it(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tamper: Tamper
) -> None:
    monkeypatch.setattr(making, "KEPT", 2)
    db = replace(db, home=tmp_path)
    await imported(db, 5)
    made = await make(db, Asked("reviewed"))
    saved = await save(db, made, tmp_path / "reports")
    again = await save(db, made, tmp_path / "reports")
    made.close()
    assert saved.page != again.page
    with saved.csv.open(newline="") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == made.report.kind.columns
    assert len(rows) == 6
    assert len(made.report.rows) == 2
    page = saved.page.read_text()
    assert "# All reviewed: FAIL" in page
    assert hashlib.sha256(saved.csv.read_bytes()).hexdigest() in page
    assert made.report.seal is not None
    assert made.report.seal.hash.hex() in page
    assert "And 3 more." in page
    verdict = verify(db)
    assert (verdict.number, verdict.reports) == (0, 2)
    saved.page.write_text(page.replace(made.report.seal.hash.hex(), "00" * 32))
    (finding,) = verify(db).findings
    assert (finding.kind, finding.where) == ("anchor", str(saved.page))
    saved.page.unlink()
    assert verify(db).reports == 1


async def test_a_folder_that_cannot_be_written_is_answered_and_nothing_is_left(db: Database, tmp_path: Path) -> None:
    made = await make(db, Asked("reviewed"))
    (tmp_path / "file").write_text("")
    with pytest.raises(TraintuiError, match="cannot be written"):
        await save(db, made, tmp_path / "file" / "reports")
    made.close()


async def test_names_are_text_on_the_page_and_no_formula_in_a_cell(db: Database) -> None:
    made = await make(db, Asked("reviewed"))
    made.close()
    bad = replace(made.report, made_by="<b>|x`\n# y", rows=(("=1+1", "[a](b)", "", ""),), number=1)
    page = page_of(bad, "x.csv")
    assert "\n# y" not in page
    assert "\\<b\\>\\|x\\`" in page
    assert "\\[a\\](b)" in page
    assert [harmless(cell) for cell in ("=1", "+1", "-1", "@x", "\tx", "c-1")] == [
        "'=1",
        "'+1",
        "'-1",
        "'@x",
        "'\tx",
        "c-1",
    ]


# The record that the figures are from ---------------------------------------------------------------------------------


async def test_a_report_says_whether_its_record_held_when_somebody_looked_last(
    db: Database, tmp_path: Path, tamper: Tamper
) -> None:
    await approved(db, *await imported(db, 1))
    await seal_and_anchor(db, everything=True)

    async def said() -> tuple[str, str]:
        found = await report(db, "reviewed")
        return dict(found.answer.facts)["the record"], page_of(found, "rows.csv")

    fact, page = await said()
    assert fact == "unverified: nobody has looked at it yet"
    assert "nobody verified lately: traintui audit verify" in page
    verify(db)
    fact, page = await said()
    assert (
        fact.startswith("held on ") and fact.endswith(" by ada, up to seal 1") and "nobody verified lately" not in page
    )
    assert "| the record | held on " in page
    tamper("UPDATE record_looks SET looked_at = looked_at - interval '9 days'")
    fact, page = await said()
    assert fact.startswith("unverified for 9 days: it held on ") and "nobody verified lately" in page
    tamper("UPDATE review_logs SET reason = 'Another'")
    assert not verify(db).holds
    fact, page = await said()
    assert fact.startswith("DID NOT HOLD: ") and " by ada, up to seal " in fact
    assert "did not hold when it was verified last. First: row " in page


async def test_a_look_is_on_record_by_who_looked_and_stays_there(db: Database, conninfo: Conninfo) -> None:
    await approved(db, *await imported(db, 1))
    async with logged_in(conninfo("audrey")) as auditor:
        verify(auditor)
    look = await record_looks.last(db)
    assert look is not None and (look.looked_by, look.held, look.findings, look.first_finding) == (
        "audrey",
        True,
        0,
        None,
    )
    assert sqlstate(conninfo("rita"), "SELECT note_record_look(1, 1, 0, NULL)") in ("42501", "TT004")
    for login, codes in (("audrey", ("42501",)), (SUPERUSER, ("TT005",))):
        assert sqlstate(conninfo(login), "UPDATE record_looks SET findings = 1, first_finding = 'x'") in codes
