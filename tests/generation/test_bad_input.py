"""What is wrong with a plan, a template or a provider is answered, and nothing is half done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from generation.batching_helpers import IMPATIENT, Quick
from support import Conninfo, beside, eventually, fetch, scalar
from traintui.data import batches, templates
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.demo.contents import furnish
from traintui.errors import TraintuiError
from traintui.generation.client import ModelClient
from traintui.generation.plan import Plan
from traintui.generation.prompt import builtin_template
from traintui.generation.provider import Provider
from traintui.generation.rehearsal import Pace, RehearsalServer
from traintui.generation.start import start_batch
from traintui.generation.worker import Worker


@pytest.fixture
async def rehearsal() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(port=0, pace=Pace(0), batch_seconds=0) as server:
        yield server


@pytest.fixture
async def furnished(db: Database) -> Database:
    await furnish(db)
    return db


def plan(**changes: Any) -> Plan:
    return Plan(**({"name": "Trial", "count": 6, "exchanges": (2, 2)} | changes))


async def work_on(db: Database, server: RehearsalServer, *, slots: int = 1) -> None:
    provider = Provider(server.url, "rehearsal", "rehearsal", is_rehearsal=True)
    async with asyncio.timeout(180), ModelClient(api_key="rehearsal", base_url=server.url) as client:
        worker = Worker(db, client, provider, slots=slots, patience=IMPATIENT, dice=Quick())
        await worker.run(asyncio.Event(), until_idle=True)


async def nothing_is_there(db: Database) -> None:
    for table in ("plans", "batches", "conversations", "generation_items", "generation_logs"):
        assert await scalar(db, f"SELECT count(*) FROM {table}") == 0, table


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ 10 // (variation * 0) }}", "line 1: integer division or modulo by zero"),
        ("Of {{ persona.label }}\n{{ source.text[9999999] }}", "line 2"),
        ("{{ 'x' * 99999999 }}", "line 1"),
    ],
)
async def test_a_template_that_resolves_for_no_conversation_is_refused_before_anything_is_stored(
    furnished: Database, text: str, said: str
) -> None:
    await templates.store(furnished, "mine", system="You write.", user_prompt=text)
    with pytest.raises(TraintuiError) as refused:
        await start_batch(furnished, plan(template="mine"), is_rehearsal=True)
    assert refused.value.title == "Template not usable" and said in refused.value.message
    assert refused.value.message.startswith("`template`: mine version 1, ")
    await nothing_is_there(furnished)


@pytest.mark.parametrize("mode", ["calls", "batches"])
async def test_what_a_template_does_not_resolve_for_fails_with_its_line_and_the_rest_goes_on(
    furnished: Database, rehearsal: RehearsalServer, conninfo: Conninfo, mode: str
) -> None:
    asks = builtin_template("conversation")
    await templates.store(furnished, "mine", system=asks.system, user_prompt="About {{ source.text }}\n" + asks.user)
    batch_id = await start_batch(furnished, plan(template="mine", count=3, mode=mode), is_rehearsal=True)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:  # as if its document had been taken away meanwhile
        connection.execute("UPDATE conversations SET chunk_id = NULL WHERE id = (SELECT min(id) FROM conversations)")
    await work_on(furnished, rehearsal)
    progress = await batches.progress(furnished, batch_id)
    assert (progress.state, progress.done, progress.failed) == ("finished", 2, 1)
    ((reason, number),) = await batches.failures(furnished, batch_id)
    assert number == 1 and "mine version 1" in reason and "line 1" in reason
    assert await scalar(furnished, "SELECT count(*) FROM generation_logs WHERE state = 'sending'") == 0


@pytest.mark.parametrize("mode", ["calls", "batches"])
async def test_a_model_that_is_not_there_pauses_the_batch_and_nothing_is_paid(
    furnished: Database, rehearsal: RehearsalServer, mode: str
) -> None:
    batch_id = await start_batch(furnished, plan(model="no-such-model", mode=mode), is_rehearsal=True)
    await work_on(furnished, rehearsal)
    progress = await batches.progress(furnished, batch_id)
    assert progress.state == "paused" and progress.state_reason
    assert "no such model" in progress.state_reason and "no-such-model" in progress.state_reason
    assert (progress.done, progress.failed, progress.queued) == (0, 0, 6)
    assert not progress.cost_usd
    assert await fetch(furnished, "SELECT DISTINCT status FROM conversations") == [("planned",)]


async def test_a_gateway_that_answers_with_a_page_is_tried_again_and_never_shown_as_html(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.fail_next(*["html502"] * 5)
    batch_id = await start_batch(furnished, plan(count=2), is_rehearsal=True)
    await work_on(furnished, rehearsal)
    progress = await batches.progress(furnished, batch_id)
    assert (progress.state, progress.done, progress.failed, progress.calls) == ("finished", 1, 1, 6)
    ((reason, _),) = await batches.failures(furnished, batch_id)
    assert reason == "The provider had an error. That was attempt 5, the last."
    messages = await fetch(furnished, "SELECT DISTINCT error_message FROM generation_logs WHERE state = 'error'")
    assert messages == [("HTTP 502, with a page of HTML instead of an explanation.",)]


async def test_a_name_of_signs_and_a_seed_of_two_billion_go_through(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    name = "😀 Fees \N{ZERO WIDTH JOINER} [b]🎉"
    batch_id = await start_batch(furnished, plan(name=name, seed=2_000_000_000, count=2), is_rehearsal=True)
    await work_on(furnished, rehearsal)
    progress = await batches.progress(furnished, batch_id)
    assert (progress.name, progress.state, progress.done) == (name, "finished", 2)


@pytest.mark.parametrize(
    ("table", "when"), [("generation_items", "NEW.state = 'failed'"), ("batches", "NEW.state = 'paused'")]
)
async def test_a_full_disk_while_what_is_wrong_is_noted_ends_no_worker(
    furnished: Database, rehearsal: RehearsalServer, conninfo: Conninfo, table: str, when: str
) -> None:
    asks = builtin_template("conversation")
    await templates.store(furnished, "mine", system=asks.system, user_prompt="About {{ source.text }}\n" + asks.user)
    batch_id = await start_batch(furnished, plan(template="mine", count=2), is_rehearsal=True)
    told: list[str] = []
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        if table == "generation_items":
            connection.execute(
                "UPDATE conversations SET chunk_id = NULL WHERE id = (SELECT min(id) FROM conversations)"
            )
        else:
            connection.execute("INSERT INTO workspace_settings (key, value) VALUES ('score.nonsense', '1')")
        connection.execute(
            "CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;"
            f"CREATE TRIGGER filled BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({when})"
            " EXECUTE FUNCTION disk_full()".encode()
        )
        provider = Provider(rehearsal.url, "rehearsal", "rehearsal", is_rehearsal=True)
        async with asyncio.timeout(180), ModelClient(api_key="rehearsal", base_url=rehearsal.url) as client:
            worker = Worker(furnished, client, provider, slots=1, say=told.append, patience=IMPATIENT, dice=Quick())
            running = asyncio.create_task(worker.run(asyncio.Event(), until_idle=True))

            async def met() -> bool:
                return any(line.startswith("Disk full") for line in told)

            await beside(running, eventually(met))
            await asyncio.to_thread(connection.execute, "DROP FUNCTION disk_full() CASCADE")
            await running
    progress = await batches.progress(furnished, batch_id)
    if table == "generation_items":
        assert (progress.state, progress.done, progress.failed) == ("finished", 1, 1)
    else:
        assert (progress.state, progress.queued) == ("paused", 2)
