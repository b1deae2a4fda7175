"""A bulk action says its number first, can be stopped, answers in words, and is one undo."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from textual.content import Content
from textual.pilot import Pilot

from outboxes import sending
from screens.waiting import until, written
from support import approved, fetch, imported, scalar, seen
from traintui.app import TraintuiApp
from traintui.data import bulk, exports, metadata, purging, reviews
from traintui.data.bulk import BulkResult, UndoResult
from traintui.data.engine import Database
from traintui.data.export_reading import Scope, reading
from traintui.data.filters import parse
from traintui.data.records import ReviewEntry
from traintui.data.refusals import Refused
from traintui.data.reviews import new_key
from traintui.outbox.sending import Outbox
from traintui.screens import bulk_actions
from traintui.screens.bulk import BulkDialog, Progress
from traintui.screens.bulk_actions import became, taken_back
from traintui.screens.conversations import ConversationsScreen
from traintui.screens.purge import PurgeDialog
from traintui.screens.reasons import ReasonsDialog, Rejection
from traintui.screens.review import ReviewScreen
from traintui.screens.undoing import Undoing
from traintui.settings import Settings


class Shown:
    """A dialog over an app, and what it answered."""

    def __init__(self, app: TraintuiApp, pilot: Pilot[None], screen: BulkDialog) -> None:
        self.app, self.pilot, self.screen = app, pilot, screen
        self.answers: list[bool | None] = []

    @property
    def said(self) -> str:
        return str(self.screen.answer.content)

    @property
    def title(self) -> str:
        return str(self.screen.panel.border_title)

    @property
    def progress(self) -> str:
        return str(self.screen.progress.content)

    async def closed(self) -> list[bool | None]:
        await until(self.pilot, lambda: self.answers)
        return self.answers


@asynccontextmanager
async def opened(db: Database, tmp_path: Path, screen: BulkDialog) -> AsyncIterator[Shown]:
    app = TraintuiApp(Settings(home=tmp_path), workspace=db)
    async with app.run_test(size=(120, 36)) as pilot:
        shown = Shown(app, pilot, screen)
        await app.push_screen(screen, shown.answers.append)
        await pilot.pause()
        yield shown


async def all_ids(db: Database) -> list[int]:
    return [row[0] for row in await fetch(db, "SELECT id FROM conversations ORDER BY id")]


@pytest.fixture
async def outbox(db: Database, tmp_path: Path) -> AsyncIterator[Outbox]:
    """Through which a single action is taken back."""
    async with sending(db, tmp_path) as sent:
        yield sent.outbox


async def test_it_says_the_number_and_the_filter_first_and_does_nothing_until_asked(
    db: Database, tmp_path: Path
) -> None:
    await imported(db, 3)
    ids, snapshot = await all_ids(db), await bulk.snapshot(db)
    dialog = bulk_actions.decision(db, ids, "approve", seen=snapshot, scope="tone:[b]formal")
    async with opened(db, tmp_path, dialog) as shown:
        await until(shown.pilot, lambda: shown.screen.state == "asking")
        assert "Approve: 3 conversations?" in shown.title
        assert "Those that match tone:[b]formal." in shown.said
        await shown.pilot.press("escape")
        assert await shown.closed() == [None]
    assert await scalar(db, "SELECT count(*) FROM bulk_actions WHERE action <> 'import'") == 0


async def test_it_says_what_is_left_alone_and_shows_ten_examples_before_it_asks(db: Database, tmp_path: Path) -> None:
    public = await imported(db, 16)
    await approved(db, *public[:2])
    ids, snapshot = await all_ids(db), await bulk.snapshot(db)
    await bulk.trash(db, ids[2:3], True)
    dialog = bulk_actions.decision(db, ids, "approve", seen=snapshot, scope="")
    async with opened(db, tmp_path, dialog) as shown:
        await until(shown.pilot, lambda: shown.screen.state == "asking")
        assert "Approve: 13 of 16 conversations?" in shown.title
        assert "Left alone: 2 are approved already; 1 is in the trash." in str(shown.screen.left.content)
        assert len(str(shown.screen.examples.content).split("For example:\n")[1].split("\n")) == 10


async def test_where_nothing_would_change_it_says_so_and_any_key_closes(db: Database, tmp_path: Path) -> None:
    await approved(db, *await imported(db, 2))
    dialog = bulk_actions.decision(db, await all_ids(db), "approve", seen=await bulk.snapshot(db), scope=None)
    async with opened(db, tmp_path, dialog) as shown:
        await until(shown.pilot, lambda: shown.screen.state == "over")
        assert "Nothing to do." in shown.said and "2 are approved already" in str(shown.screen.left.content)
        await shown.pilot.press("y")
        assert await shown.closed() == [False]
    assert await scalar(db, "SELECT count(*) FROM bulk_actions WHERE action <> 'import'") == 0


async def test_what_is_purged_is_asked_for_with_its_number(db: Database, tmp_path: Path) -> None:
    await imported(db, 4)
    ids = await all_ids(db)
    await bulk.trash(db, ids[:3], True)
    dialog = PurgeDialog(db, ids)
    async with opened(db, tmp_path, dialog) as shown:
        await until(shown.pilot, lambda: dialog.state == "asking" and dialog.typed.has_focus)
        assert "Purge: 3 of 4 conversations?" in shown.title and "1 is not in the trash" in str(dialog.left.content)
        await shown.pilot.press("y", "4", "enter")
        await until(shown.pilot, lambda: "4 is not 3." in shown.said)
        assert await scalar(db, "SELECT count(*) FROM conversations") == 4
        await shown.pilot.press("3", "enter")
        await until(shown.pilot, lambda: dialog.state == "over")
        assert "3 purged; 1 is not in the trash." in shown.said and " u takes" not in shown.said
    assert await scalar(db, "SELECT count(*) FROM conversations") == 1


@pytest.mark.parametrize("key", ["y", "enter"])
async def test_one_key_does_it_the_answer_counts_and_any_key_closes(db: Database, tmp_path: Path, key: str) -> None:
    public = await imported(db, 5)
    await approved(db, public[0])
    ids, snapshot = await all_ids(db), await bulk.snapshot(db)
    await reviews.set_flag(db, public[1], True, key=new_key())
    dialog = bulk_actions.decision(db, ids, "approve", seen=snapshot, scope=None)
    async with opened(db, tmp_path, dialog) as shown:
        await until(shown.pilot, lambda: shown.screen.state == "asking")
        await shown.pilot.press(key)
        await until(shown.pilot, lambda: shown.screen.state == "over")
        assert "3 approved; 1 is approved already; 1 changed meanwhile. u takes all of it back." in shown.said
        await shown.pilot.press("escape")
        assert await shown.closed() == [True]


async def test_escape_stops_between_two_transactions_and_what_is_done_stays(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "SIZE", 2)
    await imported(db, 6)
    ids = await all_ids(db)
    first, go_on = asyncio.Event(), asyncio.Event()

    async def work(progress: Progress, stop: asyncio.Event) -> Content:
        begun = await bulk.flag(db, ids[:2], True, bulk_id="b")
        progress(begun.done, len(ids))
        first.set()
        await go_on.wait()
        rest = await bulk.flag(db, ids, True, progress=progress, stop=stop, bulk_id="b")
        return became("flag", BulkResult("b", begun.done + rest.done, rest.skipped, rest.left - begun.done))

    async with opened(db, tmp_path, BulkDialog(Content("Flag"), len(ids), work)) as shown:
        await shown.pilot.press("y")
        await first.wait()
        assert "2 of 6" in shown.progress and shown.screen.progress.display
        await shown.pilot.press("y", "j", "escape")
        assert "stopping" in shown.progress and shown.screen.state == "running"
        go_on.set()
        await until(shown.pilot, lambda: shown.screen.state == "over")
        assert "2 flagged; 4 left as they are, since you stopped it." in shown.said
        await shown.pilot.press("x")
        assert await shown.closed() == [True]
    assert await scalar(db, "SELECT count(*) FROM conversations WHERE flagged") == 2


async def test_a_failure_is_answered_with_what_was_done_before_it(db: Database, tmp_path: Path) -> None:
    async def work(progress: Progress, stop: asyncio.Event) -> Content:
        progress(1_000, 4_000)
        raise Refused("Took [/b] too long", "it did.", "Try again.", code="57014")

    async with opened(db, tmp_path, BulkDialog(Content("Approve"), 4_000, work)) as shown:
        await shown.pilot.press("enter")
        await until(shown.pilot, lambda: shown.screen.state == "over")
        assert "Took [/b] too long" in shown.said and "1,000 of 4,000 were dealt with before" in shown.said
        await shown.pilot.press("q")
        assert await shown.closed() == [True] and shown.app.is_running


def test_what_became_of_it_reads_as_a_sentence() -> None:
    skipped = {"already": 20, "changed": 4, "no text": 1, "trash": 2, "batch": 1, "gone": 3}
    assert became("approve", BulkResult("b", 1_180, skipped)).plain == (
        "● 1,180 approved; 20 are approved already; 4 changed meanwhile; 1 has no text yet; 2 are in the trash;"
        " 1 is still to be written by a batch; 3 are gone. u takes all of it back."
    )
    assert became("delete", BulkResult("b", 0, {"already": 1})).plain == (
        "✕ None moved to the trash; 1 is in the trash already."
    )
    assert became("flag", BulkResult("b", 1, {})).plain == "⚑ 1 flagged. u takes it back."
    assert taken_back("approve", UndoResult("b", 1_200, 4, 10)).plain == (
        "↶ undone: approve of 1,200 conversations; 4 kept, since somebody acted on them; 10 left: u goes on"
    )
    assert taken_back("delete", UndoResult("b", 1, 0, 0)).plain == "↶ undone: move to the trash of 1 conversation"


@pytest.mark.parametrize("action", ["flag", "unflag", "delete", "restore"])
async def test_flags_and_the_trash_are_asked_for_with_words_of_their_own(
    db: Database, action: str, tmp_path: Path
) -> None:
    await imported(db, 2)
    ids = await all_ids(db)
    if action in {"flag", "unflag"}:
        await bulk.flag(db, ids, action == "unflag")
        dialog = bulk_actions.flagging(db, ids, action == "flag", scope="")
    else:
        await bulk.trash(db, ids, action == "restore")
        dialog = bulk_actions.trashing(db, ids, action == "delete", scope="")
    async with opened(db, tmp_path, dialog) as shown:
        await until(shown.pilot, lambda: shown.screen.state == "asking")
        assert "2 conversations?" in shown.title and "Every conversation" in shown.said
        await shown.pilot.press("y")
        await until(shown.pilot, lambda: shown.screen.state == "over")
        assert f"2 {bulk_actions.WORDS[action].done}." in shown.said


async def test_undo_takes_back_a_bulk_as_one_then_the_single_action_before_it(db: Database, outbox: Outbox) -> None:
    public = await imported(db, 4)
    await approved(db, public[0])
    ids = (await all_ids(db))[1:]
    await bulk.decide(db, ids, "reject", seen=await bulk.snapshot(db))
    undoing = Undoing()
    undone, said = await undoing.take_back(db, outbox)
    assert isinstance(undone, UndoResult) and said.plain == "↶ undone: reject of 3 conversations"
    assert await scalar(db, "SELECT count(*) FROM conversations WHERE status = 'generated'") == 3
    _, said = await undoing.take_back(db, outbox)
    assert said.plain == f"↶ undone: approve of {public[0]}"


async def test_undo_warns_first_when_some_of_a_bulk_were_exported(db: Database, outbox: Outbox) -> None:
    await imported(db, 2)
    ids = await all_ids(db)
    await bulk.decide(db, ids, "approve", seen=await bulk.snapshot(db))
    record = {"count": 2, "filter_state": {}, "format": "messages", "metadata": {}}
    await exports.record(db, "e", "started", **record)  # type: ignore[arg-type]
    async with reading(db, Scope(parse(""))) as reader:
        async for page in reader.pages():
            await exports.record_rows(db, "e", page)
    await exports.record(db, "e", "succeeded", **record)  # type: ignore[arg-type]
    undoing = Undoing()
    undone, said = await undoing.take_back(db, outbox)
    assert undone is None and "2 of the 2 of your approve have been exported meanwhile" in said.plain
    undone, said = await undoing.take_back(db, outbox)
    assert isinstance(undone, UndoResult) and undone.undone == 2


async def test_undo_of_a_bulk_of_metadata_says_how_far_it_is_and_how_many_it_took_back(
    db: Database, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "UNDONE_AT_ONCE", 2)
    public = await imported(db, 6)
    await metadata.merge(db, await all_ids(db), {"weight": 2})
    await metadata.merge(db, public[0], {"weight": 3})
    single, said = await Undoing().take_back(db, outbox)
    assert isinstance(single, ReviewEntry) and said.plain == f"↶ undone: metadata of {public[0]}"
    steps: list[tuple[int, int]] = []
    undone, said = await Undoing().take_back(db, outbox, lambda *step: steps.append(step))
    assert steps == [(3, 6), (5, 6), (6, 6)]
    assert isinstance(undone, UndoResult) and said.plain == "↶ undone: metadata of 6 conversations"
    assert await scalar(db, "SELECT count(*) FROM conversations WHERE metadata ? 'weight'") == 0


async def test_what_somebody_changed_meanwhile_is_kept_and_counted(
    db: Database, reviewer_db: Database, outbox: Outbox
) -> None:
    public = await imported(db, 3)
    await metadata.merge(db, await all_ids(db), {"weight": 2})
    await metadata.merge(reviewer_db, public[2], {"weight": 3})
    undone, said = await Undoing().take_back(db, outbox)
    assert isinstance(undone, UndoResult) and (undone.undone, undone.kept) == (2, 1)
    assert said.plain == "↶ undone: metadata of 2 conversations; 1 kept, since somebody acted on it"


async def test_u_on_the_table_takes_back_a_bulk(db: Database, app: TraintuiApp) -> None:
    await imported(db, 3)
    await bulk.flag(db, await all_ids(db), True)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.get_screen_stack("conversations")[0]
        assert isinstance(screen, ConversationsScreen)
        await until(pilot, lambda: screen.table.rows)
        await pilot.press("u")
        await written(app)
    assert await scalar(db, "SELECT count(*) FROM conversations WHERE flagged") == 0


async def test_u_takes_back_a_bulk_where_its_answer_says_so(db: Database, app: TraintuiApp) -> None:
    await imported(db, 3)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.get_screen_stack("conversations")[0]
        assert isinstance(screen, ConversationsScreen)
        await until(pilot, lambda: app.live is not None and app.live.mirror and len(screen.table.rows) == 3)
        await pilot.press("asterisk")
        await until(pilot, lambda: len(screen.table.selected) == 3)
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, BulkDialog) and app.screen.state == "asking")
        dialog = app.screen
        assert isinstance(dialog, BulkDialog)
        await pilot.press("y")
        await until(pilot, lambda: dialog.state == "over")
        assert await scalar(db, "SELECT count(*) FROM conversations WHERE flagged") == 3
        await pilot.press("u")
        await until(pilot, lambda: "undone: flag of 3" in str(screen.said.content))
        assert app.screen is screen
    assert await scalar(db, "SELECT count(*) FROM conversations WHERE flagged") == 0


async def test_the_key_that_follows_a_bulk_acts_on_the_table_and_what_closes_only_closes(
    db: Database, app: TraintuiApp
) -> None:
    await imported(db, 3)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.get_screen_stack("conversations")[0]
        assert isinstance(screen, ConversationsScreen)
        await until(pilot, lambda: app.live is not None and app.live.mirror and len(screen.table.rows) == 3)
        for key, lands in (("slash", screen.filter_line.field), ("enter", screen.table)):
            await pilot.press("asterisk")
            await until(pilot, lambda: len(screen.table.selected) == 3)
            await pilot.press("f")
            await until(pilot, lambda: isinstance(app.screen, BulkDialog) and app.screen.state == "asking")
            await pilot.press("y")
            await until(pilot, lambda: isinstance(app.screen, BulkDialog) and app.screen.state == "over")
            await pilot.press(key, *("t", "o") * (key == "slash"))
            await until(pilot, partial(lambda lands: app.screen is screen and lands.has_focus, lands))
            if key == "slash":
                await until(pilot, lambda: screen.filter_line.field.value == "to")
                await pilot.press("escape", "escape")
                await until(pilot, lambda: screen.table.has_focus and len(screen.table.rows) == 3)
        assert "review" not in app._screen_stacks  # enter did not open a row
    assert await scalar(db, "SELECT count(*) FROM review_logs WHERE action = 'flag'") == 3


async def test_a_bulk_says_its_number_before_it_asks_for_a_reason(db: Database, app: TraintuiApp) -> None:
    public = await imported(db, 3)
    await reviews.decide(db, await seen(db, public[0]), "reject", key=new_key())
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.get_screen_stack("conversations")[0]
        assert isinstance(screen, ConversationsScreen)
        await until(pilot, lambda: app.live is not None and app.live.mirror and len(screen.table.rows) == 3)
        await until(pilot, lambda: ((app.live and app.live.status_counts()) or {}).get("rejected") == 1)
        await pilot.press("asterisk")
        await until(pilot, lambda: len(screen.table.selected) == 3)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, BulkDialog) and app.screen.state == "asking")
        dialog = app.screen
        assert isinstance(dialog, BulkDialog)
        await until(pilot, lambda: dialog.state == "asking")
        assert "Reject: 2 of 3 conversations" in str(dialog.panel.border_title)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, ReasonsDialog))
        assert "Reject 2 conversations" in str(app.screen.query_one(".dialog").border_title)
        await pilot.press("escape")
        await until(pilot, lambda: dialog.state == "asking" and app.screen is dialog)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, ReasonsDialog))
        await pilot.press("2")
        await until(pilot, lambda: dialog.state == "over")
    reason = (await reviews.reasons(db))[1]
    assert await scalar(db, "SELECT count(*) FROM review_logs WHERE reason = :reason", reason=reason) == 2


async def test_the_reason_of_a_bulk_loses_what_any_reason_loses(db: Database, tmp_path: Path) -> None:
    await imported(db, 2)

    def why(named: str, chosen: Callable[[Rejection | None], None]) -> None:
        chosen(Rejection("ann@example.org said so"))

    dialog = bulk_actions.decision(db, await all_ids(db), "reject", seen=await bulk.snapshot(db), scope=None, why=why)
    async with opened(db, tmp_path, dialog) as shown:
        await until(shown.pilot, lambda: dialog.state == "asking")
        await shown.pilot.press("y")
        await until(shown.pilot, lambda: dialog.state == "over")
    reasons = await fetch(db, "SELECT DISTINCT reason FROM review_logs WHERE action = 'reject'")
    assert reasons == [("[e-mail 1] said so",)]


async def test_an_undo_of_what_was_purged_since_says_that_nothing_brings_it_back(db: Database, outbox: Outbox) -> None:
    await imported(db, 3)
    ids = await all_ids(db)
    await bulk.trash(db, ids, True)
    await purging.purge(db, ids[:2])
    _, said = await Undoing().take_back(db, outbox)
    assert said.plain == "↶ undone: move to the trash of 1 conversation; 2 purged: nothing brings them back"
    await bulk.trash(db, ids[2:], True)
    await purging.purge(db, ids[2:])
    _, said = await Undoing().take_back(db, outbox)
    assert said.plain == "↶ move to the trash: nothing could be taken back; 1 purged: nothing brings it back"


async def test_u_in_review_takes_back_a_bulk_and_reads_the_queue_again(db: Database, app: TraintuiApp) -> None:
    public = await imported(db, 3)
    await bulk.decide(db, (await all_ids(db))[:2], "approve", seen=await bulk.snapshot(db))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: app.get_screen_stack("review"))
        screen = app.get_screen_stack("review")[0]
        assert isinstance(screen, ReviewScreen)
        await until(pilot, lambda: screen.queue.current == public[2])
        await pilot.press("u")
        await until(pilot, lambda: len(screen.queue.ids) == 3)
    assert await scalar(db, "SELECT count(*) FROM conversations WHERE status = 'generated'") == 3
