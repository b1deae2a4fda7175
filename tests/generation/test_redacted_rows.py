"""Nothing personal comes into the log, whatever a call is for and however it ends; what was taken out is counted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest

from generation.batching_helpers import IMPATIENT, Quick
from generation.wire_double import Answer, double, error, response, stream
from support import Conninfo, beside, eventually, fetch
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.demo.contents import furnish
from traintui.generation.client import ModelCall, ModelClient
from traintui.generation.counting import mean_tokens
from traintui.generation.exchanges import OUTPUT_SCHEMA
from traintui.generation.plan import Plan
from traintui.generation.prompt import Facet, PromptContext, Source, builtin_template
from traintui.generation.provider import Provider
from traintui.generation.rehearsal import Pace, RehearsalServer
from traintui.generation.start import start_batch
from traintui.generation.submission_calls import failed_outcome
from traintui.generation.trial import trial_of
from traintui.generation.trial_call import tried
from traintui.generation.verdict import CallFailed
from traintui.generation.worker import Worker

MODEL = "claude-haiku-5-5"
PERSONAL = {
    "email": "ann.lee@example.org",
    "phone": "+44 20 7946 0958",
    "card": "4111 1111 1111 1111",
    "iban": "GB29 NWBK 6016 1331 9268 19",
    "national_id": "36574261809",
    "ip_address": "203.0.113.7",
}
ANY = Facet("some", "Some")
SAID = f"{' belongs to Ann. '.join(PERSONAL.values())} belongs to Ann. A late payment costs $25."


@pytest.fixture
async def rehearsal() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(port=0, pace=Pace(0), batch_seconds=0) as server:
        yield server


@pytest.fixture
async def furnished(db: Database, conninfo: Conninfo) -> Database:
    """The workspace with one chunk, which holds a person's data."""
    await furnish(db)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(
            "INSERT INTO chunks (document_id, document_revision, ordinal, heading, content, content_sha256,"
            " token_estimate) SELECT id, 1, 99, 'Persons', %s, sha256('x'), 9 FROM documents LIMIT 1",
            [SAID],
        )
        connection.execute("UPDATE chunks SET retired_at = now() WHERE ordinal <> 99")
    return db


async def work_on(db: Database, url: str) -> None:
    provider = Provider(url, "rehearsal", "rehearsal", is_rehearsal=True)
    async with asyncio.timeout(180), ModelClient(api_key="rehearsal", base_url=url) as client:
        worker = Worker(db, client, provider, slots=1, patience=IMPATIENT, dice=Quick())
        worker.batching.patience = IMPATIENT
        await worker.run(asyncio.Event(), until_idle=True)


async def nothing_personal(db: Database, table: str) -> None:
    for (row,) in await fetch(db, f"SELECT row::text FROM {table} AS row"):
        assert [said for said in PERSONAL.values() if said in row or said.replace(" ", "") in row] == []


async def test_every_kind_of_call_is_on_record_without_personal_data_and_with_its_counts(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    for mode in ("calls", "batches"):
        wanted = Plan(name="Trial", model=MODEL, judge_model=MODEL, count=1, exchanges=(2, 2), mode=mode)
        await start_batch(furnished, wanted, is_rehearsal=True)
    await work_on(furnished, rehearsal.url)
    provider = Provider(rehearsal.url, "rehearsal", "rehearsal", is_rehearsal=True)
    async with ModelClient(api_key="rehearsal", base_url=rehearsal.url) as client:
        await mean_tokens(furnished, client, provider, [ModelCall(MODEL, "You write.", SAID, OUTPUT_SCHEMA, 100)])
        template = replace(builtin_template(), name="draft", version=1)
        context = PromptContext(
            persona=ANY, emotion=ANY, topic=ANY, intent=ANY, tone=ANY, tier="scenario", source=Source("A", "B", SAID),
            exchanges=2, variation=1,
        )  # fmt: skip
        await tried(furnished, client, provider, trial_of(template, context, model=MODEL, max_tokens=4096))
    await nothing_personal(furnished, "generation_logs")
    rows = await fetch(furnished, "SELECT kind, state, redactions, request_payload FROM generation_logs")
    counted = {row.kind for row in rows if row.redactions.keys() == PERSONAL.keys()}
    assert {"generate", "batch_item", "judge", "probe", "count"} <= counted
    assert all(row.state == "ok" for row in rows)
    for row in rows:
        if row.kind in counted and row.redactions:
            assert "[e-mail 1]" in json.dumps(row.request_payload)


@pytest.mark.parametrize(
    "answer",
    [
        response(error("invalid_request_error", SAID), 400),
        response(error(PERSONAL["email"], SAID), 422),
        response(f"<html>{SAID}</html>", 502, "text/html"),
        response({"said": SAID}),
        response(json.dumps({"said": SAID})[:-9]),
        stream(("error", error("overloaded_error", SAID))),
    ],
)
async def test_what_a_provider_says_when_it_fails_is_redacted_wherever_it_is_kept(
    furnished: Database, answer: Answer
) -> None:
    await start_batch(furnished, Plan(name="Trial", model=MODEL, count=1), is_rehearsal=True)
    async with double(answer) as server:
        await work_on(furnished, server.url)
    for table in ("generation_logs", "generation_items", "batches", "provider_capabilities"):
        await nothing_personal(furnished, table)
    failed = await fetch(furnished, "SELECT state FROM generation_logs WHERE kind = 'generate'")
    assert failed and "ok" not in {row.state for row in failed}


@pytest.mark.parametrize("answer", [(400, "invalid_request_error"), (500, "api_error")])
async def test_what_a_provider_says_of_a_submission_is_redacted_wherever_it_is_kept(
    furnished: Database, answer: tuple[int, str]
) -> None:
    status, kind = answer
    await start_batch(furnished, Plan(name="Trial", model=MODEL, count=1, mode="batches"), is_rehearsal=True)
    async with double(response(error(kind, SAID), status)) as server:
        running = asyncio.create_task(work_on(furnished, server.url))

        async def told() -> bool:
            return bool(await fetch(furnished, "SELECT FROM batch_submissions WHERE error_message IS NOT NULL"))

        await beside(running, eventually(told))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    for table in ("generation_logs", "generation_items", "batches", "batch_submissions", "provider_capabilities"):
        await nothing_personal(furnished, table)


def test_what_is_taken_out_of_the_error_of_a_submission_is_counted() -> None:
    failure = CallFailed(
        "rejected", "ann.lee@example.org may not", error_type="no", payload={"error": "ask 203.0.113.7"}
    )
    outcome = failed_outcome(failure)
    assert (outcome.error_message, outcome.response_payload) == ("[e-mail 1] may not", {"error": "ask [IP address 1]"})
    assert outcome.redactions == {"email": 1, "ip_address": 1}
