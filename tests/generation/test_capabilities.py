"""What a provider can is found out once, on record and in line; a batch is generated with what there is."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from generation.batching_helpers import IMPATIENT, Quick
from generation.wire_double import double, error, message, response
from support import Conninfo, fetch
from traintui import clock
from traintui.data import batches, capabilities, conversations
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.records import BatchProgress
from traintui.data.refusals import Refused
from traintui.demo.contents import furnish
from traintui.errors import TraintuiError
from traintui.generation.capabilities import Capabilities, follows, known, said
from traintui.generation.client import ModelCall, ModelClient
from traintui.generation.counting import mean_tokens
from traintui.generation.exchanges import OUTPUT_SCHEMA
from traintui.generation.plan import Plan
from traintui.generation.price_list import PriceList
from traintui.generation.probing import Prober
from traintui.generation.prompt import Facet, PromptContext, builtin_template
from traintui.generation.provider import Provider, endpoint_of, provider_of
from traintui.generation.rehearsal import Pace, RehearsalServer, like
from traintui.generation.start import start_batch
from traintui.generation.trial import Trial, trial_of
from traintui.generation.trial_call import tried
from traintui.generation.verdict import CallFailed
from traintui.generation.worker import Worker
from traintui.settings import Settings

MODEL = "claude-haiku-5-5"
CONTEXT = PromptContext(
    persona=Facet("planner", "Planner"), emotion=Facet("worried", "Worried"), topic=Facet("fees", "Fees"),
    intent=Facet("understand", "Understand"), tone=Facet("warm", "Warm"), tier="scenario", source=None, exchanges=2,
    variation=1,
)  # fmt: skip


def playing(name: str) -> RehearsalServer:
    return RehearsalServer(port=0, pace=Pace(0), like=like(name))


async def provider_at(server: RehearsalServer) -> Provider:
    return await provider_of(Settings(api_base_url=server.url))


async def generated(db: Database, server: RehearsalServer, **changes: Any) -> BatchProgress:
    """A batch of conversations, worked on until nothing is left to do."""
    await furnish(db)
    plan = Plan(**({"name": "Trial", "count": 24, "exchanges": (2, 3), "model": MODEL} | changes))
    batch_id = await start_batch(db, plan, is_rehearsal=True)
    await work_on(db, server)
    return await batches.progress(db, batch_id)


async def work_on(db: Database, server: RehearsalServer) -> None:
    provider = await provider_at(server)
    async with asyncio.timeout(180), ModelClient(api_key="rehearsal", base_url=server.url) as client:
        await Worker(db, client, provider, slots=4, patience=IMPATIENT, dice=Quick()).run(
            asyncio.Event(), until_idle=True
        )


def a_call() -> ModelCall:
    return ModelCall(MODEL, "You write.", "About fees.", OUTPUT_SCHEMA, 4096)


def a_trial() -> Trial:
    return trial_of(builtin_template(), CONTEXT, model=MODEL, max_tokens=4096)


async def shown(db: Database, server: RehearsalServer) -> dict[str, bool | None]:
    return dict(said(await known(db, (await provider_at(server)).endpoint, MODEL)))


PROBES = "SELECT parameters ->> 'purpose', state, http_status FROM generation_logs WHERE kind = 'probe' ORDER BY id"


async def test_a_whole_batch_is_generated_by_a_server_that_ignores_schemas_and_has_messages_alone(db: Database) -> None:
    async with playing("ollama") as server:
        progress = await generated(db, server)
        found = await shown(db, server)
    assert (progress.state, progress.done, progress.failed) == ("finished", 24, 0)
    assert found == dict.fromkeys(("structured output", "count_tokens", "caching", "batches", "limits named"), False)
    page = await conversations.first_rows(db)
    assert all(row.status == "generated" and row.quality_score is not None for row in page.rows)
    written = [each.body for each in server.requests if each.path == "/v1/messages"]
    with_schema = [body for body in written if "format" in body.get("output_config", {})]
    assert len(with_schema) == 1, "the probe alone hands a schema over"
    read = Counter(
        row[0]
        for row in await fetch(
            db, "SELECT response_payload -> 'traintui' ->> 'read' FROM generation_logs WHERE kind = 'generate'"
        )
    )
    assert read["unwrapped"] and read["repaired"], "fences and slight mistakes are read, and marked"
    assert [tuple(row) for row in await fetch(db, PROBES)] == [
        ("structured_output", "ok", 200), ("count_tokens", "error", 404), ("batches", "error", 404),
    ]  # fmt: skip
    rows = await fetch(db, "SELECT run_id, cost_usd FROM generation_logs WHERE kind = 'probe' ORDER BY id")
    assert [row[0] for row in rows] == [progress.id] * 3 and rows[0][1] > 0
    waiting = await fetch(db, "SELECT model FROM rate_reservations")
    assert waiting == [], "probes leave the line as they entered it"


async def test_a_server_that_keeps_to_schemas_is_handed_them_and_its_findings_are_shared(db: Database) -> None:
    async with playing("vllm") as server:
        progress = await generated(db, server, count=4)
        await start_batch(db, Plan(name="Again", count=4, exchanges=(2, 3), model=MODEL), is_rehearsal=True)
        await work_on(db, server)
        found = await shown(db, server)
    assert (progress.done, progress.failed) == (4, 0)
    assert found["structured output"] and found["count_tokens"] and found["batches"] is False
    assert all(
        "format" in each.body["output_config"] for each in server.requests if each.path == "/v1/messages"
    )  # fmt: skip
    assert len(await fetch(db, PROBES)) == 3, "what one worker found out, the next one knows"


async def test_nothing_is_asked_of_a_documented_provider_before_its_first_generation(db: Database) -> None:
    async with playing("anthropic") as server:
        progress = await generated(db, server, count=4)
    assert progress.done == 4 and await fetch(db, PROBES) == []
    there = Capabilities("api.anthropic.com", MODEL)
    assert all(has for _, has in said(there)) and follows(there) == []


@pytest.mark.parametrize(
    ("fault", "state"), [("529", "error"), ("500", "error"), ("reset", "unknown"), ("429", "error")]
)
async def test_an_outage_is_no_answer(db: Database, fault: str, state: str) -> None:
    async with playing("vllm") as server:
        server.fail_next(fault)
        provider = await provider_at(server)
        async with ModelClient(api_key="rehearsal", base_url=server.url) as client:
            with pytest.raises(CallFailed):
                await Prober(db, client, provider, PriceList(db)).structured(MODEL, None)
    assert await capabilities.of_address(db, provider.endpoint) == ()
    assert [row[1] for row in await fetch(db, PROBES)] == [state], "on record all the same"


async def test_the_answers_of_a_judge_tell_of_its_provider_like_any_other(db: Database) -> None:
    judge = "claude-opus-5-5"
    async with playing("ollama") as server:
        endpoint = (await provider_at(server)).endpoint
        for model in (MODEL, judge):
            await capabilities.note(
                db, endpoint, model, "structured_output", supported=model == judge, basis="probe", seen="",
                attempt=None,
            )  # fmt: skip
        progress = await generated(db, server, count=12, judge_model=judge)
        found = await known(db, endpoint, judge)
    assert (progress.done, progress.failed) == (12, 0)
    assert found.can("structured_output") is False, "its answers were doubted, and a probe has settled it"
    opinions = await fetch(db, "SELECT count(*) FROM judgements")
    assert opinions[0][0] == 12


async def test_a_server_that_refuses_schemas_is_asked_in_words(db: Database) -> None:
    async with playing("vllm") as server:
        server.fail_next("400-schema")
        provider = await provider_at(server)
        async with ModelClient(api_key="rehearsal", base_url=server.url) as client:
            assert await Prober(db, client, provider, PriceList(db)).structured(MODEL, None) is False
    (found,) = (each for each in await capabilities.of_address(db, provider.endpoint) if each.model)
    assert (found.capability, found.supported, found.basis, found.model) == ("structured_output", False, "probe", MODEL)


async def test_what_is_a_week_old_is_asked_again_and_another_model_is_asked_for_itself(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with playing("vllm") as server:
        provider = await provider_at(server)
        async with ModelClient(api_key="rehearsal", base_url=server.url) as client:
            for model in (MODEL, MODEL, "claude-sonnet-5-5"):
                assert await Prober(db, client, provider, PriceList(db)).structured(model, None)
            asked = Counter(row[0] for row in await fetch(db, PROBES))
            assert asked == {"structured_output": 2, "count_tokens": 1, "batches": 1}
            later = datetime.now(UTC) + timedelta(days=8)
            monkeypatch.setattr(clock, "now", lambda: later)
            assert (await known(db, provider.endpoint, MODEL)).can("structured_output") is None
            assert await Prober(db, client, provider, PriceList(db)).structured(MODEL, None)
    asked = Counter(row[0] for row in await fetch(db, PROBES))
    assert asked == {"structured_output": 3, "count_tokens": 2, "batches": 2}


async def test_a_probe_is_held_to_the_budget_of_its_batch_and_sends_nothing_beyond_it(db: Database) -> None:
    async with playing("ollama") as server:
        progress = await generated(db, server, count=2, budget_usd=Decimal("0.000001"))
    assert progress.state == "paused" and "budget" in (progress.state_reason or "")
    assert [each for each in server.requests if each.path.startswith("/v1/")] == []


async def test_a_trial_is_held_to_the_budget_of_the_month(db: Database) -> None:
    async with playing("anthropic") as server:
        async with db.write() as connection:
            await connection.exec_driver_sql(
                "INSERT INTO workspace_settings (key, value) VALUES ('monthly_budget_usd', '0.000001')"
            )
        provider = Provider(server.url, "key", "api.anthropic.com", is_rehearsal=False)
        async with ModelClient(api_key="key", base_url=server.url) as client:
            with pytest.raises(Refused, match="budget"):
                await tried(db, client, provider, a_trial())
    assert [each for each in server.requests if each.path.startswith("/v1/")] == []
    assert await fetch(db, "SELECT model FROM rate_reservations") == []


async def test_a_trial_asks_in_words_where_it_has_to(db: Database) -> None:
    async with playing("ollama") as server, ModelClient(api_key="rehearsal", base_url=server.url) as client:
        reply = await tried(db, client, await provider_at(server), a_trial())
    assert reply.failure is None and len(reply.turns) == 4
    assert "<schema>" in server.requests[-1].body["system"][0]["text"]


async def test_batches_are_refused_before_anything_is_stored_where_there_are_none(db: Database) -> None:
    async with playing("ollama") as server:
        await generated(db, server, count=1)
        endpoint = (await provider_at(server)).endpoint
    planned = Plan(name="Half price", count=2, exchanges=(2, 2), model=MODEL, mode="batches")
    with pytest.raises(TraintuiError, match="no Message Batches API") as refused:
        await start_batch(db, planned, is_rehearsal=True, endpoint=endpoint)
    assert refused.value.message.startswith("`mode`")
    assert [row[0] for row in await fetch(db, "SELECT name FROM batches")] == ["Trial"]


async def test_a_batch_for_half_price_pauses_with_the_reason_where_it_was_not_known_before(db: Database) -> None:
    async with playing("ollama") as server:
        await furnish(db)
        plan = Plan(name="Half price", count=2, exchanges=(2, 2), model=MODEL, mode="batches")
        batch_id = await start_batch(db, plan, is_rehearsal=True, endpoint=(await provider_at(server)).endpoint)
        await work_on(db, server)
    progress = await batches.progress(db, batch_id)
    assert progress.state == "paused" and "no Message Batches API" in (progress.state_reason or "")
    assert [each.path for each in server.requests if each.method == "POST"] == []


async def test_a_provider_that_does_not_count_is_asked_once(db: Database) -> None:
    async with playing("ollama") as server:
        provider = await provider_at(server)
        call = replace(a_call(), user="Count me.")
        async with ModelClient(api_key="rehearsal", base_url=server.url) as client:
            assert [await mean_tokens(db, client, provider, [call]) for _ in range(2)] == [None, None]
    assert len([each for each in server.requests if each.path.endswith("count_tokens")]) == 1
    assert (await known(db, provider.endpoint, MODEL)).can("count_tokens") is False
    assert [tuple(row) for row in await fetch(db, "SELECT endpoint, model FROM rate_limits")] == [
        (provider.endpoint, "count_tokens")
    ], "it waits in the line for such requests"


async def test_a_model_that_is_not_there_says_nothing_of_counting(db: Database) -> None:
    said = response(error("not_found_error", f"model: {MODEL} is not there"), 404)
    written = response(message(content=[{"type": "text", "text": '{"usual": "yes"}'}]))

    async def answer(writer: asyncio.StreamWriter) -> None:
        asks = next(line for line in reversed(server.lines) if line)
        await (written if asks.startswith("POST /v1/messages ") else said)(writer)

    async with double(answer) as server, ModelClient(api_key="key", base_url=server.url) as client:
        provider = Provider(server.url, "key", endpoint_of(server.url), is_rehearsal=True)
        assert await Prober(db, client, provider, PriceList(db)).structured(MODEL, None)
        assert await mean_tokens(db, client, provider, [a_call()]) is None
    paths = [line.split()[1] for line in server.lines]
    assert paths.count("/v1/messages/count_tokens") == 2, "it was asked, and is asked again"
    there = await known(db, provider.endpoint, MODEL)
    assert (there.can("count_tokens"), there.can("batches")) == (None, False)


async def test_a_probe_that_fails_is_no_attempt_at_an_item(db: Database, conninfo: Conninfo) -> None:
    async with playing("vllm") as server:
        await furnish(db)
        batch_id = await start_batch(db, Plan(name="Trial", count=1, exchanges=(2, 2), model=MODEL), is_rehearsal=True)
        with psycopg.connect(conninfo(SUPERUSER)) as connection:  # as if it had failed four times
            connection.execute("UPDATE generation_items SET attempts = 4")
        server.fail_next("529")
        await work_on(db, server)
    progress = await batches.progress(db, batch_id)
    assert (progress.state, progress.done, progress.failed) == ("finished", 1, 0)
    assert await fetch(db, "SELECT attempts FROM generation_items") == [(5,)]


async def test_an_address_is_known_by_what_is_not_secret_in_it() -> None:
    assert endpoint_of("https://ada:secret@Models.example.org:8443/v2/?key=secret") == "models.example.org:8443/v2"


async def test_what_a_reviewer_may_not_find_out_is_refused(reviewer_db: Database) -> None:
    with pytest.raises(Refused):
        await capabilities.note(
            reviewer_db, "h", "", "batches", supported=True, basis="call", seen="answered", attempt=None
        )
