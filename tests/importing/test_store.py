"""Imports: checked whole first, stored all or not at all, and harmless to repeat."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, get_args

import pytest

from support import Conninfo, imported
from traintui.data import conversations, documents, metadata, promotions, vocabulary, workspace_migrations
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.errors import TraintuiError
from traintui.importing.manifests import digest_of
from traintui.importing.mapping import Mapping
from traintui.importing.store import import_paths
from traintui.importing.values import Unknown
from traintui.quality import thresholds


def jsonl(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def chat(question: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": f"Answer to {question}."}]
    return {"messages": messages, **more}


async def test_conversations_arrive_as_seeds_to_be_reviewed_with_their_score_and_metadata(
    db: Database, tmp_path: Path
) -> None:
    path = jsonl(tmp_path / "chats.jsonl", chat("one", source="web"), chat("two"))
    summary = await import_paths(db, [path])
    assert [(file.imported, file.known, file.format) for file in summary.conversations] == [(2, 0, "openai")]
    page = await conversations.first_rows(db, "is:seed status:generated meta.source:web")
    whole = await conversations.read(db, page.rows[0].conversation_id)
    assert [turn.content for turn in whole.turns] == ["one", "Answer to one."]
    assert whole.row.quality_score is not None and whole.score_parts
    assert [entry.action for entry in whole.history] == ["import"]


async def test_sharegpt_is_recognised(db: Database, tmp_path: Path) -> None:
    record = {
        "conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello"}],
        "system": "Be kind.",
    }
    await import_paths(db, [jsonl(tmp_path / "s.jsonl", record)])
    page = await conversations.first_rows(db)
    assert (await conversations.read(db, page.rows[0].conversation_id)).system_prompt == "Be kind."


async def test_the_same_file_twice_changes_nothing(db: Database, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "chats.jsonl", chat("one"), chat("two"), chat("one"))
    await import_paths(db, [path])
    again = await import_paths(db, [path])
    assert (again.conversations[0].imported, again.conversations[0].known) == (0, 3)
    assert await conversations.count(db) == 2


async def test_one_bad_line_stores_nothing_of_any_file_and_is_named(db: Database, tmp_path: Path) -> None:
    good = tmp_path / "good.md"
    good.write_text("# Good\n\nA paragraph about fees.\n")
    bad = jsonl(tmp_path / "bad.jsonl", chat("one"), {"messages": [{"role": "assistant", "content": "first"}]})
    with pytest.raises(TraintuiError, match="line 2"):
        await import_paths(db, [good, bad])
    assert await conversations.count(db) == 0 and await documents.documents(db) == ()


async def test_keep_going_takes_the_good_lines_and_tells_the_others(db: Database, tmp_path: Path) -> None:
    bad = jsonl(tmp_path / "bad.jsonl", chat("one"), {"messages": []}, chat("three"))
    summary = await import_paths(db, [bad], keep_going=True)
    assert summary.conversations[0].imported == 2
    assert [problem.line for problem in summary.conversations[0].problems] == [2]


async def test_what_is_left_out_is_in_a_file_beside_it_that_can_be_mended_and_imported(
    db: Database, tmp_path: Path
) -> None:
    bad = jsonl(tmp_path / "chats.jsonl", chat("one"), {"messages": []})
    bad.write_bytes(bad.read_bytes() + b"{broken\n")
    with pytest.raises(TraintuiError):
        await import_paths(db, [bad])
    assert await import_paths(db, [bad], keep_going=True, dry_run=True)
    assert [path.name for path in tmp_path.iterdir()] == ["chats.jsonl"]
    (file,) = (await import_paths(db, [bad], keep_going=True)).conversations
    left_out = tmp_path / "chats.bad.jsonl"
    assert (file.imported, file.bad, file.bad_file) == (1, 2, str(left_out))
    assert left_out.read_text() == '{"messages": []}\n{broken\n'
    left_out.write_text(json.dumps(chat("two")) + "\n")
    assert (await import_paths(db, [left_out])).conversations[0].imported == 1
    # What somebody may have mended is never written over.
    await import_paths(db, [bad], keep_going=True)
    assert left_out.read_text() != (tmp_path / "chats.bad-2.jsonl").read_text() == '{"messages": []}\n{broken\n'


async def test_what_is_left_out_of_a_document_or_of_a_table_of_turns_comes_in_by_the_same_mapping(
    db: Database, tmp_path: Path
) -> None:
    path = tmp_path / "export.json"
    log = [
        [{"by": "client", "says": said}, {"by": by, "says": "Answer."}] for said, by in (("one", "bot"), ("two", "?"))
    ]
    path.write_text(json.dumps({"data": [{"ref": ref, "log": each} for ref, each in enumerate(log)]}, indent=1))
    deep = Mapping.model_validate(
        {"turns": {"list": "log", "role": "by", "content": "says"}, "records": "data", "roles": {"client": "user"}}
    )
    table = tmp_path / "turns.csv"
    table.write_text("thread,by,says\n1,user,three\n1,assistant,Yes\n2,user,four\n2,?,Yes\n")
    by_turn = Mapping.model_validate({"turns": {"role": "by", "content": "says"}, "group": "thread"})
    for file, mapping in ((path, deep), (table, by_turn)):
        (made,) = (await import_paths(db, [file], mapping=mapping, keep_going=True)).conversations
        assert (made.imported, made.bad, made.unkept) == (1, 1, 0)
        left_out = Path(made.bad_file or "")
        left_out.write_text(left_out.read_text().replace('"?"', '"assistant"'))
        assert (await import_paths(db, [left_out], mapping=mapping)).conversations[0].imported == 1


async def test_a_record_that_cannot_be_held_is_counted_as_not_kept(db: Database, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "chats.jsonl", chat("one"))
    path.write_bytes(path.read_bytes() + b'{"a": "' + b"x" * 16_100_000 + b'"}\n')
    (file,) = (await import_paths(db, [path], keep_going=True)).conversations
    assert (file.bad, file.unkept, file.bad_file) == (1, 1, None)


async def test_an_import_that_fails_leaves_no_file_of_bad_lines(db: Database, tmp_path: Path) -> None:
    bad = jsonl(tmp_path / "chats.jsonl", chat("one", tier="unheard_of"), {"messages": []})
    with pytest.raises(TraintuiError, match="unheard_of"):
        await import_paths(db, [bad], keep_going=True)
    assert [path.name for path in tmp_path.iterdir()] == ["chats.jsonl"]


async def test_a_document_with_records_deep_inside_is_imported_by_a_mapping(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    log = [{"by": "client", "says": "one"}, {"by": "bot", "says": "Answer."}]
    path.write_text(json.dumps({"data": [{"ref": 7, "log": log}]}))
    mapping = Mapping.model_validate(
        {"turns": {"list": "log", "role": "by", "content": "says"}, "records": "data", "roles": {"client": "user"}}
    )
    summary = await import_paths(db, [path], mapping=mapping)
    assert summary.conversations[0].imported == 1 and "“data”" in summary.conversations[0].seen
    assert (await conversations.first_rows(db, "meta.ref:7")).rows


async def test_values_of_a_file_are_refused_mapped_by_their_label_or_added(db: Database, tmp_path: Path) -> None:
    words = tmp_path / "words.toml"
    words.write_text('[[persona]]\nvalue = "busy_parent"\nlabel = "Busy parent"\n')
    path = jsonl(
        tmp_path / "chats.jsonl", chat("one", persona="Busy Parent", tone="Très calme"), chat("two", tone="tres_calme")
    )
    with pytest.raises(TraintuiError, match=r"tone .*Très calme.*once.*tres_calme") as caught:
        await import_paths(db, [words, path])
    assert caught.value.remedy.startswith("Add them with --unknown add, ") and await conversations.count(db) == 0
    foreseen = await import_paths(db, [words, path], unknown="add", dry_run=True)
    assert foreseen.added == 1 and {value.dimension for value in await vocabulary.values(db)} == {"tier"}
    summary = await import_paths(db, [words, path], unknown="add")
    assert (summary.added, summary.conversations[0].imported) == (1, 2)
    assert (await vocabulary.labels(db))["tone", "tres_calme"].label == "Très calme"
    assert len((await conversations.first_rows(db, "tone:tres_calme")).rows) == 2
    assert len((await conversations.first_rows(db, "persona:busy_parent")).rows) == 1


@pytest.mark.parametrize("value", ["???", "x" * 3 + "\n"])
async def test_a_tier_is_never_added_nor_a_value_without_a_letter(db: Database, tmp_path: Path, value: str) -> None:
    dimension = "tone" if value == "???" else "tier"
    path = jsonl(tmp_path / "a.jsonl", chat("one", **{dimension: value}))
    for unknown in get_args(Unknown):
        with pytest.raises(TraintuiError, match=dimension) as caught:
            await import_paths(db, [path], unknown=unknown)
        assert caught.value.remedy.startswith("Mend them, ") and "--unknown" not in caught.value.remedy


async def test_a_file_that_is_not_what_its_manifest_says_is_refused(db: Database, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "chats.jsonl", chat("one"))
    manifest = tmp_path / "chats.jsonl.manifest.json"
    manifest.write_text(json.dumps({"files": [{"name": "chats.jsonl", "sha256": "0" * 64}]}))
    with pytest.raises(TraintuiError, match="SHA-256"):
        await import_paths(db, [path])
    manifest.write_text(json.dumps({"files": [{"name": "chats.jsonl", "sha256": digest_of(path)}]}))
    assert (await import_paths(db, [path])).conversations[0].verified


async def test_a_file_that_grows_while_it_is_read_stores_nothing(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = jsonl(tmp_path / "chats.jsonl", chat("one"))
    read = thresholds.read

    async def grown(database: Database) -> thresholds.Thresholds:
        with path.open("a") as file:
            file.write(json.dumps(chat("two")) + "\n")
        return await read(database)

    monkeypatch.setattr(thresholds, "read", grown)
    with pytest.raises(TraintuiError, match="written to"):
        await import_paths(db, [path])
    assert await conversations.count(db) == 0


async def test_metadata_that_the_database_would_refuse_is_a_problem_of_its_line(db: Database, tmp_path: Path) -> None:
    with pytest.raises(TraintuiError, match=r"line 2.*50 kB"):
        await import_paths(db, [jsonl(tmp_path / "m.jsonl", chat("one"), chat("two", blob="x" * 70_000))])


async def test_a_dry_run_stores_nothing(db: Database, tmp_path: Path) -> None:
    summary = await import_paths(db, [jsonl(tmp_path / "chats.jsonl", chat("one"))], dry_run=True)
    assert summary.dry_run and summary.conversations[0].imported == 1
    assert await conversations.count(db) == 0


async def test_two_documents_of_one_name_are_refused_before_either_is_stored(db: Database, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "fees.md").write_text(f"# Fees {folder}\n\nText.\n")
    with pytest.raises(TraintuiError, match="Rename one"):
        await import_paths(db, [tmp_path / "a" / "fees.md", tmp_path / "b" / "fees.md"])
    assert await documents.documents(db) == ()


async def test_the_first_document_brings_a_starter_vocabulary_and_one_of_ones_own_stays(
    db: Database, tmp_path: Path
) -> None:
    own = tmp_path / "words.toml"
    own.write_text('[[persona]]\nvalue = "teacher"\nlabel = "Teacher"\n')
    document = tmp_path / "fees.md"
    document.write_text("# Fees\n\nA late payment costs $25.\n")
    summary = await import_paths(db, [own, document])
    assert summary.vocabulary == 1 and summary.starter > 10
    values = await vocabulary.values(db)
    assert [value.value for value in values if value.dimension == "persona"] == ["teacher"]
    assert {value.dimension for value in values} == {"persona", "emotion", "topic", "intent", "tone", "tier"}
    assert (await import_paths(db, [document])).starter == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[personna]]\nvalue = 'x'\nlabel = 'X'", "personna"),
        ("[[persona]]\nvalue = 'Not one'\nlabel = 'X'", "number 1, value"),
        ("[[persona]]\nvalue = 'x'", "number 1, label"),
        ("persona = 3", "not a list"),
        ("persona =", "TOML"),
    ],
)
async def test_a_mistake_in_a_vocabulary_is_named_and_nothing_is_stored(
    db: Database, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "words.toml").write_text(text)
    with pytest.raises(TraintuiError, match=said):
        await import_paths(db, [tmp_path / "words.toml"])
    assert {value.dimension for value in await vocabulary.values(db)} == {"tier"}


async def test_a_reviewer_may_not_import(reviewer_db: Database, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="No right"):
        await import_paths(reviewer_db, [jsonl(tmp_path / "chats.jsonl", chat("one"))])


async def test_a_value_that_its_key_does_not_take_is_named_with_its_line_and_the_others_come_in(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    await imported(db, metadata={"shelf": "a"})
    await imported(db, metadata={"shelf": "b"})
    await metadata.register(db, "page", "integer")
    folder = tmp_path / "migrations"
    looked = await promotions.look(db, "shelf", "text")
    for each in await workspace_migrations.planned_promotion(db, folder, "shelf", "text", looked, vocabulary=True):
        each.write()
    await asyncio.to_thread(workspace_migrations.apply, conninfo(SUPERUSER), folder)
    path = jsonl(
        tmp_path / "chats.jsonl", chat("one", shelf="a", page=4), chat("two", shelf="zz", page="x"), chat("three"),
        chat("four", page=1.5),
    )  # fmt: skip
    before = await conversations.count(db)
    misfits = (
        'line 2: meta.page: "x" is not a whole number; meta.shelf: "zz" is not one of a, b; '
        "line 4: meta.page: 1.5 is not a whole number"
    )
    with pytest.raises(TraintuiError) as refused:
        await import_paths(db, [path])
    assert f"has 2 lines that cannot be taken: {misfits}." in refused.value.message
    assert await conversations.count(db) == before
    (file,) = (await import_paths(db, [path], keep_going=True)).conversations
    assert (file.imported, file.bad, [problem.line for problem in file.problems]) == (2, 2, [2, 4])
    assert file.bad_file is not None
    assert Path(file.bad_file).read_text().splitlines() == [path.read_text().splitlines()[place] for place in (1, 3)]
    # A word that is added to the list since is taken.
    await promotions.add_value(db, "shelf", "zz")
    assert (await import_paths(db, [jsonl(path, chat("two", shelf="zz", page=2))])).conversations[0].imported == 1
