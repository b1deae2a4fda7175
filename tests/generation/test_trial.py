"""A template is tried with one call, which is on record like any other and says what it cost."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from homes import furnished_home
from support import beside, eventually, fetch, newest_calls
from traintui.data import attempts, templates
from traintui.data.engine import Database
from traintui.data.workspace import open_workspace
from traintui.errors import TraintuiError
from traintui.generation.children import Crew
from traintui.generation.client import ModelClient
from traintui.generation.prompt import Facet, PromptContext, Source, TemplateText, builtin_template
from traintui.generation.provider import Provider
from traintui.generation.rehearsal import Pace, RehearsalServer
from traintui.generation.trial import Trial, TrialReply, trial_of
from traintui.generation.trial_call import tried
from traintui.quality import thresholds
from traintui.settings import Settings

CONTEXT = PromptContext(
    persona=Facet("anxious_planner", "Anxious planner"), emotion=Facet("worried", "Worried"),
    topic=Facet("overdraft_fees", "Overdraft fees"), intent=Facet("understand", "Understand"),
    tone=Facet("warm", "Warm"), tier="scenario",
    source=Source("fees.md", "Fees", "An overdraft costs 12 USD a month. It is charged on the last day of the month."),
    exchanges=2, variation=1,
)  # fmt: skip
MODEL = "claude-haiku-5-5"


def trial(template: TemplateText | None = None, *, max_tokens: int = 4096) -> Trial:
    draft = template or replace(builtin_template(), name="draft", version=3)
    return trial_of(draft, CONTEXT, model=MODEL, max_tokens=max_tokens)


@pytest.fixture
async def rehearsal() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(port=0, pace=Pace(0)) as server:
        yield server


async def reply_to(db: Database, server: RehearsalServer, asked: Trial) -> TrialReply:
    provider = Provider(server.url, "rehearsal", "rehearsal", is_rehearsal=True)
    async with ModelClient(api_key="rehearsal", base_url=server.url) as client:
        return await tried(db, client, provider, asked)


async def test_a_trial_brings_turns_their_score_and_its_cost_and_is_on_record(
    db: Database, rehearsal: RehearsalServer
) -> None:
    reply = await reply_to(db, rehearsal, trial())
    assert [turn.role for turn in reply.turns] == ["user", "assistant"] * 2
    assert reply.score is not None and reply.score > 0 and reply.parts and reply.failure is None
    (call,) = await newest_calls(db)
    assert (call.id, call.kind, call.state, call.is_rehearsal) == (reply.attempt_id, "probe", "ok", True)
    assert call.cost_usd == reply.cost_usd and reply.cost_usd is not None and reply.cost_usd > 0
    detail = await attempts.detail(db, call)
    assert (detail.parameters["template"], detail.parameters["template_version"]) == ("draft", 3)


async def test_a_trial_counts_among_the_costs_of_the_version_that_its_text_began_with_and_not_as_a_conversation(
    db: Database, rehearsal: RehearsalServer
) -> None:
    stored = await templates.store(db, "draft", system="You write.", user_prompt="About {{ topic }}.")
    await reply_to(db, rehearsal, trial())
    assert await templates.usage(db) == {}
    reply = await reply_to(db, rehearsal, trial().model_copy(update={"template_id": stored.id}))
    used = (await templates.usage(db))[stored.id]
    assert (used.calls, used.cost_usd, used.conversations, used.scored) == (1, reply.cost_usd, 0, 0)
    assert await fetch(db, "SELECT FROM conversations") == []


async def test_a_trial_is_scored_with_the_thresholds_of_the_workspace(db: Database, rehearsal: RehearsalServer) -> None:
    await thresholds.change(db, "turn_count_weight", 0)
    reply = await reply_to(db, rehearsal, trial())
    assert "turn count" not in {part.name for part in reply.parts} and reply.parts


async def test_a_reply_that_is_no_conversation_is_told_with_what_it_cost(
    db: Database, rehearsal: RehearsalServer
) -> None:
    reply = await reply_to(db, rehearsal, trial(max_tokens=10))
    assert reply.turns == () and reply.failure is not None and reply.score is None
    (call,) = await newest_calls(db)
    assert call.cost_usd == reply.cost_usd and reply.cost_usd is not None


def test_what_is_asked_arrives_as_it_was_sent() -> None:
    sent = trial()
    received = Trial.model_validate_json(sent.model_dump_json())
    assert received == sent and received.context == CONTEXT


@pytest.mark.xdist_group("homes")
async def test_the_app_tries_a_template_in_a_process_of_its_own() -> None:
    with tempfile.TemporaryDirectory(prefix="tt-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        settings = Settings(home=furnished_home(Path(directory) / "home"))
        async with open_workspace(settings, durable=False) as db, RehearsalServer(port=0, pace=Pace(0)) as server:
            crew = Crew(settings.model_copy(update={"api_base_url": server.url}))
            reply = await crew.try_template(trial())
            assert len(reply.turns) == 4 and reply.is_rehearsal
            (call,) = await newest_calls(db)
            assert (call.kind, call.id) == ("probe", reply.attempt_id)
            with pytest.raises(TraintuiError) as mistake:
                await crew.try_template(trial(TemplateText("draft", 3, "", "{{ mood }}")))
            assert mistake.value.title == "Template not usable" and "line 1" in mistake.value.message
            assert len(await newest_calls(db)) == 1


@pytest.mark.xdist_group("homes")
async def test_a_trial_that_is_given_up_leaves_a_row_that_says_so() -> None:
    with tempfile.TemporaryDirectory(prefix="tt-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        settings = Settings(home=furnished_home(Path(directory) / "home"))
        async with open_workspace(settings, durable=False) as db, RehearsalServer(port=0, pace=Pace(1)) as server:
            crew = Crew(settings.model_copy(update={"api_base_url": server.url}))
            asking = asyncio.create_task(crew.try_template(trial()))

            async def sent() -> bool:
                return bool(await newest_calls(db)) and bool(server.requests)

            await beside(asking, eventually(sent))
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            (call,) = await newest_calls(db)
            assert (call.state, call.error_type, call.cost_is_estimate) == ("unknown", "worker_lost", True)
