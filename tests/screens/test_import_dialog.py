"""The import dialog shows what a file is before anything is written, asks once what it has to, and can be stopped."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from screens.waiting import until, written
from support import add_vocabulary, fetch, imported
from traintui.app import TraintuiApp
from traintui.data import conversations, imports, vocabulary
from traintui.data.engine import Database
from traintui.data.import_records import ImportedFile
from traintui.importing.manifests import digest_of
from traintui.importing.store import import_paths
from traintui.screens.importing import ImportDialog
from traintui.screens.unfinished_import import UnfinishedImportDialog


def chat(question: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": f"Answer to {question}."}]
    return {"messages": messages, **more}


def jsonl(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


async def opened(pilot: Pilot[None], app: TraintuiApp, path: Path) -> ImportDialog:
    await until(pilot, lambda: app.workspace is not None and app.labels)
    await pilot.press("I")
    await until(pilot, lambda: isinstance(app.screen, ImportDialog))
    dialog = app.screen
    assert isinstance(dialog, ImportDialog)
    dialog.file.value = str(path)
    return dialog


def said(dialog: ImportDialog, id: str = "answer") -> str:
    return str(dialog.query_one(f"#{id}", Static).content)


async def test_what_a_file_is_stands_there_before_anything_is_written(
    app: TraintuiApp, db: Database, tmp_path: Path
) -> None:
    path = jsonl(tmp_path / "chats.jsonl", chat("one"), chat("two"))
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app, path)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.state == "asking")
        await until(
            pilot, lambda: "in the shape openai" in said(dialog, "is") and "2 conversations" in said(dialog, "holds")
        )
        assert await conversations.count(db) == 0
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.state == "over")
        await until(pilot, lambda: "2 conversations new" in said(dialog))
        assert await conversations.count(db) == 2
        await pilot.press("escape", "u")
        await written(app)
        await until(pilot, lambda: app.live is not None)
    assert await conversations.count(db) == 0


async def test_bad_records_are_listed_with_their_lines_and_left_out_only_when_asked(
    app: TraintuiApp, db: Database, tmp_path: Path
) -> None:
    path = jsonl(tmp_path / "chats.jsonl", chat("one"), {"messages": [{"role": "user", "content": "alone"}]})
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app, path)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.state == "asking")
        assert [(row.line, row.what) for row in dialog.problems.rows] == [(2, "too few turns")]
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert dialog.state == "asking" and "tick the box" in said(dialog)
        dialog.keep_going.value = True
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.state == "over")
        await until(pilot, lambda: "chats.bad.jsonl" in said(dialog))
    assert await conversations.count(db) == 1 and (tmp_path / "chats.bad.jsonl").exists()


async def test_unknown_values_are_asked_once_and_added_or_made_another(
    app: TraintuiApp, db: Database, tmp_path: Path
) -> None:
    await add_vocabulary(db)
    path = jsonl(tmp_path / "chats.jsonl", chat("one", tone="formall", topic="Brand new"), chat("two", tone="formall"))
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app, path)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.state == "asking" and dialog.values.has_focus)
        assert [(row.unknown.value, row.unknown.count) for row in dialog.values.rows] == [
            ("formall", 2),
            ("Brand new", 1),
        ]
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert dialog.state == "asking" and await conversations.count(db) == 0
        await pilot.press("right", "down", "a")
        await until(pilot, lambda: [row.becomes for row in dialog.values.rows] == ["formal", "brand_new"])
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.state == "over")
    assert await fetch(db, "SELECT tone, topic FROM conversations ORDER BY id") == [
        ("formal", "brand_new"), ("formal", None)
    ]  # fmt: skip
    assert (await vocabulary.labels(db))["topic", "brand_new"].label == "Brand new"


async def test_a_vendors_file_is_mapped_with_a_preview_as_one_writes(
    app: TraintuiApp, db: Database, tmp_path: Path
) -> None:
    path = tmp_path / "vendor.json"
    log = [{"by": "visitor", "says": "How much?"}, {"by": "agent", "says": "Three."}]
    path.write_text(json.dumps({"data": {"threads": [{"ref": 7, "log": log}]}}))
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app, path)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Format not recognised" in said(dialog))
        await pilot.press("f2")
        await until(pilot, lambda: "How much?" in str(dialog.mapping.preview.content))
        assert 'records = "data.threads"' in dialog.mapping.field.text
        dialog.mapping.field.text = dialog.mapping.field.text.replace('"log"', '"lag"')
        await until(pilot, lambda: "no list “lag”" in str(dialog.mapping.preview.content))
        dialog.mapping.field.text = dialog.mapping.field.text.replace('"lag"', '"log"')
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.state == "asking")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.state == "over")
    page = await conversations.first_rows(db, "meta.ref:7")
    assert len(page.rows) == 1


async def test_approval_is_asked_for_and_told(app: TraintuiApp, db: Database, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "chats.jsonl", chat("one"), chat("two", tier="edge_case"))
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app, path)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.state == "asking")
        dialog.approve.value = True
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.state == "over")
        await until(pilot, lambda: "1 approved" in said(dialog) and "edge case" in said(dialog))


async def test_it_is_stopped_and_nothing_is_kept(
    app: TraintuiApp, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "SIZE", 1)
    path = jsonl(tmp_path / "chats.jsonl", *(chat(f"q {number}") for number in range(200)))
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app, path)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.state == "asking")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "stored" in str(dialog.bar.content))
        await pilot.press("escape")
        await until(pilot, lambda: "Nothing of it was kept" in said(dialog))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ImportDialog))
    assert await conversations.count(db) == 0 and await imports.unfinished(db) == ()


async def test_a_reviewer_has_no_import(reviewer_db: Database, tmp_path: Path) -> None:
    from traintui.settings import Settings

    app = TraintuiApp(Settings(home=tmp_path), workspace=reviewer_db)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.workspace is not None)
        await pilot.press("I")
        await pilot.pause()
        assert not isinstance(app.screen, ImportDialog)


async def begun(db: Database, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import of which the first part is here, and whose process is gone."""
    with monkeypatch.context() as patched:
        patched.setattr(imports, "LEASE", 0.0)
        file = ImportedFile(path.name, str(path), "openai", 3, bytes.fromhex(digest_of(path)))
        going = await imports.begin(db, file)
        await imports.load(db, going, [{"line": 1, "turns": chat("q 0")["messages"]}])


@pytest.mark.parametrize(("key", "left"), [("f", 3), ("r", 0), ("escape", 1)])
async def test_the_next_start_asks_what_becomes_of_an_import_that_was_cut_off(
    app: TraintuiApp, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, left: int
) -> None:
    path = jsonl(tmp_path / "chats.jsonl", *(chat(f"q {number}") for number in range(3)))
    await begun(db, path, monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, UnfinishedImportDialog))
        dialog = app.screen
        assert isinstance(dialog, UnfinishedImportDialog)
        await until(pilot, lambda: "Finish it" in str(dialog.answer.content))
        await pilot.press(key)
        if key != "escape":
            await until(pilot, lambda: dialog.state == "over")
            await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, UnfinishedImportDialog))
    assert await conversations.count(db) == left
    assert bool(await imports.unfinished(db)) == (key == "escape")


async def test_one_whose_file_is_gone_can_only_be_taken_away(
    app: TraintuiApp, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = jsonl(tmp_path / "chats.jsonl", *(chat(f"q {number}") for number in range(3)))
    await begun(db, path, monkeypatch)
    path.unlink()
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, UnfinishedImportDialog))
        dialog = app.screen
        assert isinstance(dialog, UnfinishedImportDialog)
        await until(pilot, lambda: "only be taken away" in str(dialog.answer.content))
        await pilot.press("f")
        await pilot.pause()
        assert dialog.state == "asking"
        await pilot.press("r")
        await until(pilot, lambda: dialog.state == "over")
    assert await conversations.count(db) == 0


async def test_an_old_import_is_taken_back_only_when_asked_again(
    app: TraintuiApp, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await imported(db, 2)
    monkeypatch.setattr("traintui.screens.undoing.FRESH", timedelta(0))
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.workspace is not None and app.outbox is not None)
        await pilot.press("u")
        await written(app)
        assert await conversations.count(db) == 2
        await pilot.press("u")
        await written(app)
    assert await conversations.count(db) == 0


DOCUMENT = "# Fees\n\n## Late fees\n\nA late fee is 25 dollars.\n\n## Overdraft\n\nAn overdraft costs 30 dollars.\n"


@pytest.mark.parametrize("size", [(160, 45), (80, 24)])
async def test_a_document_is_shown_with_its_chunks_before_it_is_stored(
    app: TraintuiApp, db: Database, tmp_path: Path, size: tuple[int, int]
) -> None:
    path = tmp_path / "Our fees.md"
    path.write_text(DOCUMENT)
    async with app.run_test(size=size) as pilot:
        dialog = await opened(pilot, app, path)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.state == "asking")
        await until(pilot, lambda: "a document in Markdown, which is called our-fees" in said(dialog, "is"))
        await until(
            pilot, lambda: "chunk" in said(dialog, "holds") and "stores it; batches can write from" in said(dialog)
        )
        await until(pilot, lambda: dialog.chunks.rows and "late fee" in dialog.chunks.rows[0].content)
        assert not dialog.approve.is_on_screen and await fetch(db, "SELECT FROM documents") == []
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.state == "over")
        await until(pilot, lambda: "new, revision 1" in said(dialog) and "starter vocabulary" in said(dialog))
    assert await fetch(db, "SELECT name, revision FROM documents") == [("our-fees", 1)]


async def test_a_document_that_is_here_says_what_would_change(app: TraintuiApp, db: Database, tmp_path: Path) -> None:
    path = tmp_path / "fees.md"
    path.write_text(DOCUMENT)
    await import_paths(db, [path])
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app, path)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "nothing would change" in said(dialog))
        path.write_text(DOCUMENT.replace("25", "35"))
        dialog.file.value = f"{path} "
        await until(pilot, lambda: dialog.state == "naming")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "stores it as revision 2: 1 chunk that it lacks is retired" in said(dialog))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "changed, revision 2" in said(dialog))


async def test_a_vocabulary_says_how_many_of_its_values_are_new(app: TraintuiApp, db: Database, tmp_path: Path) -> None:
    await add_vocabulary(db)
    path = tmp_path / "words.toml"
    path.write_text('[[topic]]\nvalue = "crypto"\nlabel = "Crypto"\n[[topic]]\nvalue = "fees"\nlabel = "Fees"\n')
    known = ("topic", "fees") in await vocabulary.labels(db)
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app, path)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.state == "asking")
        await until(pilot, lambda: f"2 values, {1 if known else 2} of them new: topic crypto" in said(dialog, "holds"))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.state == "over")
        await until(pilot, lambda: ("topic", "crypto") in app.labels)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("scan.pdf", b"%PDF-1.7", "neither a document nor"),
        ("empty.md", b" \n", "empty"),
        ("latin.txt", b"\xe9t\xe9", "UTF-8"),
        ("words.toml", b"[[mood]]\n", "mood"),
    ],
)
async def test_what_cannot_be_read_is_answered_and_another_file_can_be_named(
    app: TraintuiApp, db: Database, tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    good = jsonl(tmp_path / "chats.jsonl", chat("one"))
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app, path)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: told in said(dialog) and dialog.state == "naming")
        dialog.file.value = str(good)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.state == "asking" and "1 conversation" in said(dialog, "holds"))
        await until(pilot, lambda: not dialog.chunks.display and dialog.approve.is_on_screen)
