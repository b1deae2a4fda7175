"""A judge's opinion on the screen: asked for by number and cost, shown apart from the score, after the decision."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from textual.pilot import Pilot

from screens.waiting import until, written
from support import add_document, add_vocabulary, fetch, generated, imported, scalar
from traintui.app import TraintuiApp
from traintui.data import attempts, conversations, judgements, work
from traintui.data.attempts import Outcome
from traintui.data.engine import Database
from traintui.data.judgement_records import Span
from traintui.generation.children import Crew
from traintui.generation.judge_plan import JudgePlan, start_judging
from traintui.generation.provider import provider_of
from traintui.generation.rehearsal import Pace, RehearsalServer
from traintui.screens.conversations import ConversationsScreen
from traintui.screens.generate import GenerateScreen
from traintui.screens.judge_form import JudgeForm
from traintui.screens.reasons import ReasonsDialog
from traintui.screens.review import ReviewScreen
from traintui.screens.templates import TemplatesDialog
from traintui.settings import Settings
from traintui.widgets.facts import facts
from traintui.widgets.windowed_table import WindowedTable

WIDE, SMALL = (160, 45), (80, 24)
SENTENCE = "The figure is not in the source."


@pytest.fixture
async def rehearsal() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(port=0, pace=Pace(0)) as server:
        yield server


@pytest.fixture
def app(db: Database, tmp_path: Path, rehearsal: RehearsalServer, monkeypatch: pytest.MonkeyPatch) -> TraintuiApp:
    """The app beside a rehearsal; it starts no worker of its own."""

    async def none(self: Crew, *, slots: int) -> None: ...

    monkeypatch.setattr(Crew, "ensure_worker", none)
    return TraintuiApp(Settings(home=tmp_path, api_base_url=rehearsal.url), workspace=db)


async def rehearsed(db: Database, number: int) -> None:
    """Conversations that a rehearsal wrote, which is what one judges."""
    await add_vocabulary(db)
    await generated(db, number, is_rehearsal=True)


async def judged(db: Database, *, score: int = 4, dropped: int = 0) -> str:
    """An imported conversation with an opinion; its public id."""
    (key,) = await imported(db)
    number = await scalar(db, "SELECT id FROM conversations WHERE conversation_id = :key", key=key)
    await start_judging(db, JudgePlan(name="Judge", model="claude-opus-5-5"), [number], is_rehearsal=False)
    await work.take_up_batches(db, is_rehearsal=False)
    async with work.registered(db) as worker_id:
        (item,) = await work.claim(db, worker_id, 1, is_rehearsal=False)
        attempt = await attempts.start(
            db, kind="judge", model="claude-opus-5-5", endpoint="http://127.0.0.1:1", request_payload={},
            parameters={"estimated_cost_usd": "0.1"}, redactions={}, is_rehearsal=False, worker_id=worker_id, item=item,
        )  # fmt: skip
        assert await judgements.store(
            db, item, revision=1, model="claude-opus-5-5", scores={"useful": {"score": score, "sentence": SENTENCE}},
            spans=[Span("useful", 2, 3, 9, "answer")], spans_dropped=dropped,
            call=(attempt.id, attempt.created_at), finish=attempts.finishing(attempt, Outcome("ok")),
        )  # fmt: skip
    return key


async def opened(pilot: Pilot[None], app: TraintuiApp, rows: int) -> ConversationsScreen:
    await until(pilot, lambda: isinstance(app.screen, ConversationsScreen) and app.screen.ready)
    screen = app.screen
    assert isinstance(screen, ConversationsScreen)
    await until(pilot, lambda: screen.query_one("#rows", WindowedTable).total == rows)
    return screen


async def asked(pilot: Pilot[None], app: TraintuiApp) -> JudgeForm:
    await app.run_action("screen.judge")
    await until(pilot, lambda: isinstance(app.screen, JudgeForm) and app.screen.query("#will"))
    form = app.screen
    assert isinstance(form, JudgeForm)
    await until(pilot, lambda: "conversation" in str(form.will.content))
    return form


async def test_an_opinion_stands_below_the_score_with_its_sentence_and_the_words_that_it_points_at(
    db: Database,
) -> None:
    key = await judged(db, dropped=2)
    said = facts(await conversations.read(db, key), {}, with_judge=True).plain
    assert said.index("SCORE") < said.index("JUDGE") < said.index("HISTORY")
    assert "JUDGE   4.0" in said and "claude-opus-5-5" in said and SENTENCE in said
    assert "turn 2 “answer”" in said and "2 quotations left out" in said


async def test_why_there_is_no_opinion_is_said_where_it_would_stand(db: Database) -> None:
    key = await judged(db)
    async with db.write() as connection:
        number = await connection.scalar(text("SELECT id FROM conversations"))
    await start_judging(db, JudgePlan(name="Again", model="m"), [number], is_rehearsal=False)
    assert "waits for its judge" in facts(await conversations.read(db, key), {}, with_judge=True).plain
    await work.take_up_batches(db, is_rehearsal=False)
    async with work.registered(db) as worker_id:
        (item,) = await work.claim(db, worker_id, 1, is_rehearsal=False)
        await work.release(db, item, "failed", error="Not judged: [b]The reply is not JSON.")
    said = facts(await conversations.read(db, key), {}, with_judge=True).plain
    assert "✕ Not judged: [b]The reply is not JSON." in said and SENTENCE in said  # the older opinion still counts


async def test_what_nobody_judged_says_nothing_of_a_judge(db: Database) -> None:
    (key,) = await imported(db)
    assert "JUDGE" not in facts(await conversations.read(db, key), {}, with_judge=True).plain


async def test_the_preview_shows_the_opinion_and_review_after_the_decision(app: TraintuiApp, db: Database) -> None:
    decided = await judged(db)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, app, 1)
        await until(pilot, lambda: SENTENCE in str(screen.preview.query_one("Static").content))  # type: ignore[attr-defined]
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen) and app.screen.reading.shown is not None)
        review = app.screen
        assert isinstance(review, ReviewScreen)
        said = str(review.reading.panel.query_one("Static").content)  # type: ignore[attr-defined]
        assert "SCORE" in said and "JUDGE" not in said and SENTENCE not in said
        await until(pilot, lambda: review.reading.seconds_seen is not None)
        await pilot.press("a")
        await until(pilot, lambda: "would reject; you agree on 0 of 1, 0%" in str(review.said.content))
        await pilot.press("u")
        await until(pilot, lambda: review.reading.seconds_seen is not None and "undone" in str(review.said.content))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReasonsDialog))
        await pilot.press("enter")
        await until(pilot, lambda: "would reject; you agree on 1 of 1, 100%" in str(review.said.content))
        review.visit(decided)
        await until(pilot, lambda: SENTENCE in str(review.reading.panel.query_one("Static").content))  # type: ignore[attr-defined]


async def test_the_filter_and_the_table_know_the_mean(app: TraintuiApp, db: Database) -> None:
    await judged(db, score=4)
    await judged(db, score=9)
    await imported(db)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, app, 3)
        for wanted, number in (("judge>=7", 1), ("judge<7", 1), ("-judge>=0", 1), ("judge:0..10", 2)):
            screen.visit(wanted)
            await until(pilot, lambda number=number: screen.table.total == number)  # type: ignore[misc]


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_number_and_cost_are_said_first_and_the_selection_is_judged(
    app: TraintuiApp, db: Database, size: tuple[int, int]
) -> None:
    await rehearsed(db, 3)
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, app, 3)
        screen.table.focus()
        for number in (1, 2):
            await until(pilot, lambda: screen.table.current is not None)
            await pilot.press("space")
            await until(pilot, lambda number=number: len(screen.table.selected) == number)  # type: ignore[misc]
        form = await asked(pilot, app)
        assert "2 conversations, ~$" in str(form.will.content)
        assert await scalar(db, "SELECT count(*) FROM batches WHERE kind = 'judge'") == 0
        form.budget.value = "2.50"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is screen and "judges them" in str(screen.said.content))
        await written(app)
    rows = await fetch(
        db, "SELECT kind, total, judge_model, budget_usd, is_rehearsal FROM batches WHERE kind = 'judge'"
    )
    assert [(*row[:3], float(row[3]), row[4]) for row in rows] == [("judge", 2, "claude-opus-5-5", 2.5, True)]
    assert await scalar(db, "SELECT count(*) FROM generation_items WHERE kind = 'judge' AND state = 'queued'") == 2


async def test_a_worker_that_was_left_running_judges_too(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = (await provider_of(app.settings)).endpoint
    looked_at: list[int] = []
    monkeypatch.setattr(Crew, "find", lambda _, pids: looked_at.extend(pids))
    await rehearsed(db, 1)
    async with work.registered(db, endpoint=endpoint), app.run_test(size=WIDE) as pilot:
        await opened(pilot, app, 1)
        await asked(pilot, app)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: looked_at)
        await written(app)
    assert looked_at == [os.getpid()]


async def test_without_a_selection_all_that_match_the_filter_are_judged(app: TraintuiApp, db: Database) -> None:
    await rehearsed(db, 2)
    await imported(db)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, app, 3)
        screen.visit('"an answer"')
        await until(pilot, lambda: screen.table.total == 3)
        form = await asked(pilot, app)
        assert "2 conversations" in str(form.will.content)
        assert "1 left out: real, and a rehearsal invents its opinions" in str(form.will.content)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
    assert await scalar(db, "SELECT count(*) FROM batches WHERE kind = 'judge'") == 0


async def test_a_mistake_in_the_form_is_answered_there(app: TraintuiApp, db: Database) -> None:
    await rehearsed(db, 1)
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot, app, 1)
        form = await asked(pilot, app)
        form.budget.value = "much"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "no amount in USD" in str(form.answer.content))
        form.budget.value = ""
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is not form)
    assert await scalar(db, "SELECT count(*) FROM batches WHERE kind = 'judge'") == 1


async def test_generate_says_how_far_the_judge_is_and_tries_its_failures_again(app: TraintuiApp, db: Database) -> None:
    await rehearsed(db, 1)
    number = await scalar(db, "SELECT id FROM conversations")
    await start_judging(db, JudgePlan(name="Again", model="m"), [number], is_rehearsal=True)
    await work.take_up_batches(db, is_rehearsal=True)
    async with work.registered(db) as worker_id:
        (item,) = await work.claim(db, worker_id, 1, is_rehearsal=True)
        await work.release(db, item, "failed", error="Not judged: The model declined (none).")
    await work.finish_batches(db)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.workspace is not None)
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.screen, GenerateScreen) and app.screen.watched.last.failures)
        screen = app.screen
        assert isinstance(screen, GenerateScreen)
        screen.failures.focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConversationsScreen) and app.screen.ready)
        assert 'cause:"Not judged: The model declined (none)."' in app.filter_text
        await pilot.press("3")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("r")
        await written(app)
        await until(pilot, lambda: screen.watched.last.chosen and screen.watched.last.chosen.queued)


async def test_the_rubric_is_read_and_written_like_a_template(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await add_document(db, pieces=("An overdraft costs 12 a month.",))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.workspace is not None and app.labels)
        await pilot.press("T")
        await until(pilot, lambda: isinstance(app.screen, TemplatesDialog) and len(app.screen.table.rows) == 3)
        dialog = app.screen
        assert isinstance(dialog, TemplatesDialog)
        await until(pilot, lambda: dialog.shelf.usage is not None and str(dialog.editor.mistakes.content))
        await pilot.press("j")
        await until(pilot, lambda: "criteria" in dialog.editor.names.plain)
        await until(pilot, lambda: '<turn number="2" role="assistant">' in dialog.preview.plain)
        assert "An overdraft costs 12 a month." in dialog.preview.plain
        assert dialog.check_action("call", ()) is None and dialog.check_action("new", ()) is None
        await pilot.press("e")
        dialog.editor.user.text = "{{ turns | length }} turns, {{ exchanges }}"
        await until(
            pilot, lambda: "'exchanges' is not a name that a rubric knows" in str(dialog.editor.mistakes.content)
        )
        dialog.editor.user.text = "{% for turn in turns %}{{ turn.content }}{% endfor %}"
        await until(pilot, lambda: "Every name is known" in str(dialog.editor.mistakes.content))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Saved as version 2" in str(dialog.said.content))
    kept = "SELECT kind || ' ' || version FROM templates WHERE name = 'judge' ORDER BY version"
    assert [row[0] for row in await fetch(db, kept)] == ["rubric 1", "rubric 2"]
