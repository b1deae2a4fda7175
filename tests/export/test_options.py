"""What is asked of an export is what is written, and what is not written is said."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support import approved, imported, newest_exports, said, seen
from traintui.data import conversations, reviews
from traintui.data.engine import Database
from traintui.data.export_reading import ids_of
from traintui.data.records import Turn
from traintui.errors import TraintuiError
from traintui.export.forecasting import check, forecast
from traintui.export.formats import FORMATS
from traintui.export.request import ExportRequest
from traintui.export.write import ExportStopped, run_export


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def manifest(path: Path) -> Any:
    return json.loads((path.parent / f"{path.stem}.manifest.json").read_text())


async def edited(db: Database, public: str, turns: list[Turn]) -> None:
    await reviews.edit(db, await seen(db, public), system_prompt=None, turns=turns, key=reviews.new_key())


async def bettered(db: Database, public: str) -> None:
    """Its answer is edited, and nothing else."""
    question, answer = (await conversations.read(db, public)).turns
    await edited(db, public, [question, replace(answer, content="Better.")])


async def two_and_one_of_three_turns(db: Database) -> list[str]:
    """Three that are approved; the second ends with the user."""
    ids = await imported(db, 3)
    await edited(db, ids[1], said("A question?", "An answer.", "Really?"))
    await approved(db, *ids)
    return ids


async def test_what_is_refused_stops_the_export_with_its_name_and_is_left_out_when_asked(
    db: Database, tmp_path: Path
) -> None:
    ids = await two_and_one_of_three_turns(db)
    path = tmp_path / "out.jsonl"
    with pytest.raises(ExportStopped, match=ids[1]) as stopped:
        await run_export(db, ExportRequest(path))
    assert stopped.value.number == 1 and list(tmp_path.iterdir()) == []
    summary = await run_export(db, ExportRequest(path, if_refused="leave-out"))
    assert (summary.count, summary.left_out, len(lines(path))) == (2, 1, 2)
    told = manifest(path)
    assert [entry[0] for entry in told["conversations"]] == [ids[0], ids[2]]
    assert told["left_out"][0][0] == ids[1] and "ends with the user" in told["left_out"][0][2]
    assert "1 ends with the user" in told["preflight"]["words"]


@pytest.mark.parametrize("if_cut", ["write", "stop", "leave-out"])
async def test_what_a_trainer_cuts_is_written_or_stops_or_is_left_out(
    db: Database, tmp_path: Path, if_cut: Any
) -> None:
    await approved(db, *await imported(db, 2))
    request = ExportRequest(tmp_path / "out.jsonl", "trl", if_cut=if_cut, limit=10)
    found = await check(db, request)
    said = (
        "2 too long for TRL's 10 tokens"
        if if_cut != "write"
        else "all 2 are written; TRL cuts all of them to 10 tokens"
    )
    assert found.totals.passing == 0 and said in found.totals.words()
    assert (found.stopping, found.left_out) == {"write": (0, 0), "stop": (2, 2), "leave-out": (0, 2)}[if_cut]
    if if_cut == "write":
        assert (await run_export(db, request)).count == 2
    else:
        with pytest.raises(TraintuiError):
            await run_export(db, request)
        assert list(tmp_path.iterdir()) == []


async def test_what_would_be_left_out_is_no_row_that_is_promised(db: Database, tmp_path: Path) -> None:
    await approved(db, *await imported(db, 2))
    found = await check(db, ExportRequest(tmp_path / "out.jsonl", "trl", if_cut="leave-out", limit=10))
    assert found.remarks[0].says == "There is no row to write."


@pytest.mark.parametrize("name", ["trl-kto", "llama-factory-kto"])
async def test_labels_of_one_kind_alone_are_warned_of_before_they_are_written_and_when_they_are(
    db: Database, tmp_path: Path, name: str
) -> None:
    ids = await imported(db, 3)
    await approved(db, *ids[:2])
    request = ExportRequest(tmp_path / "out.jsonl", name)
    assert "All answers are approved ones" in (await check(db, request)).remarks[0].says
    (warning,) = (await run_export(db, request)).warnings
    assert "take rejections too, as status:approved,rejected in the filter does" in warning
    await reviews.decide(db, await seen(db, ids[2]), "reject", key=reviews.new_key(), turn_number=2)
    rejected = replace(request, filter_text="status:rejected", overwrite=True)
    assert "All answers are rejected ones" in (await check(db, rejected)).remarks[0].says
    both = replace(request, filter_text="status:approved,rejected", overwrite=True)
    assert not any(remark.is_grave for remark in (await check(db, both)).remarks)
    assert (await run_export(db, both)).warnings == ()


@pytest.mark.parametrize("name", sorted(FORMATS))
async def test_every_format_writes_what_its_preflight_promised(db: Database, tmp_path: Path, name: str) -> None:
    ids = await imported(db, 3)
    await bettered(db, ids[0])
    await approved(db, *ids)
    for container in FORMATS[name].containers:
        if container == "csv" or (container == "parquet" and not parquet_is_there()):
            continue
        request = ExportRequest(tmp_path / container / f"{name}.{container}", name)
        promised = await check(db, request)
        summary = await run_export(db, request)
        assert summary.rows == promised.totals.rows > 0 and summary.words == promised.totals.words()
        again = await run_export(db, ExportRequest(tmp_path / f"again {container}" / f"{name}.{container}", name))
        assert again.sha256 == summary.sha256
    assert len((await forecast(db, request)).first) == promised.totals.rows


def parquet_is_there() -> bool:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return False
    return True


async def test_a_pair_comes_from_the_edit_that_stands(db: Database, tmp_path: Path) -> None:
    one, other = await imported(db, 2)
    for public in (one, other):
        await bettered(db, public)
    await reviews.undo_last(db, key=reviews.new_key())
    await approved(db, one, other)
    path = tmp_path / "dpo.jsonl"
    await run_export(db, ExportRequest(path, "trl-dpo"))
    (row,) = lines(path)
    assert (row["chosen"][0]["content"], row["rejected"][0]["content"]) == ("Better.", "An answer.")


async def test_a_selection_is_what_is_written(db: Database, tmp_path: Path) -> None:
    ids = await imported(db, 4)
    await approved(db, *ids[:3])
    chosen = sorted((await ids_of(db, [ids[0], ids[2], ids[3]])).values())
    path = tmp_path / "out.jsonl"
    summary = await run_export(db, ExportRequest(path, ids=chosen))
    assert [entry[0] for entry in manifest(path)["conversations"]] == [ids[0], ids[2]]
    assert (summary.count, summary.left_out_unapproved) == (2, 1)
    assert (await newest_exports(db))[0].filter_state["selected"] == 3


async def test_a_filter_is_in_the_manifest_in_words_and_as_what_they_were_read_as(db: Database, tmp_path: Path) -> None:
    ids = await imported(db, 2)
    await approved(db, *ids)
    path, words = tmp_path / "out.jsonl", f"id:{ids[0]} turns>=2 created<2999-01-01 -is:flagged Question"
    await run_export(db, ExportRequest(path, filter_text=words))
    told = manifest(path)["filter"]
    assert told["words"] == words and [term["words"] for term in told["data"]["terms"]] == words.split()
    asks = [term["asks"] for term in told["data"]["terms"]]
    assert asks[0] == [{"ids": [ids[0]]}] and asks[1] == [{"from": 2, "to": None}]
    assert asks[2][0]["from"] is None and asks[2][0]["to"].startswith("2998-12-31T")
    assert told["data"]["terms"][3]["negated"] and asks[3] == [{"marks": ["flagged"]}]
    assert asks[4] == [{"words": "Question"}]


async def test_what_review_says_nothing_of_gives_no_row_and_is_left_out_with_the_reason(
    db: Database, tmp_path: Path
) -> None:
    one, other = await imported(db, 2)
    await bettered(db, one)
    await approved(db, one, other)
    path = tmp_path / "dpo.jsonl"
    summary = await run_export(db, ExportRequest(path, "trl-dpo"))
    assert (summary.count, summary.rows, summary.left_out) == (1, 1, 1)
    told = manifest(path)
    assert told["conversations"] == [[one, 2]] and told["left_out"] == [[other, 1, "No answer of it was edited."]]
    with pytest.raises(TraintuiError, match=r"no row to write: 0 of 1 pass; 1 gives no row"):
        await run_export(db, ExportRequest(tmp_path / "none.jsonl", "trl-dpo", f"id:{other}"))
    assert not (tmp_path / "none.jsonl").exists()


async def test_a_file_that_the_target_refuses_as_a_whole_is_said_to_be(db: Database, tmp_path: Path) -> None:
    await approved(db, *await imported(db, 2))
    path = tmp_path / "out.jsonl"
    summary = await run_export(db, ExportRequest(path))
    (says,) = manifest(path)["preflight"]["file_refused"]
    assert says == summary.remarks[0] == "OpenAI refuses the file as it is: it takes 10 rows or more, this has 2."


async def test_only_what_stops_an_export_is_named_as_what_stops_it(db: Database, tmp_path: Path) -> None:
    ids = await two_and_one_of_three_turns(db)
    with pytest.raises(ExportStopped) as stopped:
        await run_export(db, ExportRequest(tmp_path / "out.jsonl", "trl", limit=5))
    assert [problem.conversation_id for problem in stopped.value.problems] == [ids[1]]


async def test_both_sides_of_a_split_hold_every_row_once_and_a_larger_export_keeps_them(
    db: Database, tmp_path: Path
) -> None:
    ids = await imported(db, 60)
    await approved(db, *ids[:40])
    path = tmp_path / "out.jsonl"
    await run_export(db, ExportRequest(path, eval_share=0.3))
    sides = {entry[0]: entry[2] for entry in manifest(path)["conversations"]}
    assert len(lines(path)) + len(lines(tmp_path / "out.eval.jsonl")) == 40 and set(sides.values()) == {"train", "eval"}
    await approved(db, *ids[40:])
    await run_export(db, ExportRequest(path, eval_share=0.3, overwrite=True))
    grown = {entry[0]: entry[2] for entry in manifest(path)["conversations"]}
    assert len(grown) == 60 and sides.items() <= grown.items()


async def test_one_answer_that_is_not_to_be_trained_on_gives_all_rows_a_weight(db: Database, tmp_path: Path) -> None:
    ids = await imported(db, 2)
    first, answer, *rest = said("A question?", "An answer.", "More?", "Yes.")
    await edited(db, ids[1], [first, replace(answer, train=False), *rest])
    await approved(db, *ids)
    path = tmp_path / "out.jsonl"
    await run_export(db, ExportRequest(path))
    weights = [[message.get("weight") for message in row["messages"]] for row in lines(path)]
    assert weights == [[None, 1], [None, 0, None, 1]]


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (ExportRequest(Path("out.txt")), "does not say what kind"),
        (ExportRequest(Path("out.csv")), "does not go into csv"),
        (ExportRequest(Path("out.jsonl"), "gpt"), "no format"),
        (ExportRequest(Path("out.jsonl"), eval_share=1.0), "no share"),
        (ExportRequest(Path("out.jsonl"), strata=("mood",)), "no dimension"),
        (
            ExportRequest(Path("out.jsonl"), tokenizer=Path("/nowhere/tokenizer.json")),
            "cannot be counted",
        ),
    ],
)
async def test_an_option_that_cannot_be_is_answered_before_anything_is_recorded(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request_: ExportRequest, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TraintuiError) as refused:
        await run_export(db, request_)
    assert re.search(says, f"{refused.value.title} {refused.value.message}")
    assert list(tmp_path.iterdir()) == [] and await newest_exports(db) == ()
