"""Makes the dump of a small workspace at the newest schema revision: `python tests/dumps/make.py`.

A dump that has landed is never made anew: it is what a workspace of that revision was, and later revisions are tried
on it.
"""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import tempfile
from pathlib import Path

from traintui.data import (
    assignments,
    batches,
    bulk,
    conversations,
    imports,
    metadata,
    retention,
    reviews,
    samples,
    schema,
    seals,
    second_review,
    seen,
    turns,
    users,
    views,
    vocabulary,
)
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer
from traintui.data.engine import Database
from traintui.data.records import VocabularyValue
from traintui.data.reviews import Seen
from traintui.data.search_index import index_some
from traintui.data.targets import ids_of
from traintui.data.workspace import open_workspace
from traintui.data.workspace_filters import read_filter
from traintui.demo.contents import furnish, sample_plan
from traintui.demo.run import demo_settings
from traintui.export.write import export_conversations
from traintui.generation.provider import provider_of
from traintui.generation.rehearsal import Pace, RehearsalServer
from traintui.generation.serve import run_worker
from traintui.generation.start import start_batch
from traintui.observing import recording
from traintui.settings import Settings


async def fill(home: Path) -> None:
    """Documents, two batches of which the second has only begun, decisions of every kind, and an export."""
    async with RehearsalServer(port=0, pace=Pace(0)) as server:
        settings = demo_settings(home, Settings(), api_base_url=server.url)
        async with open_workspace(settings, durable=False) as db:
            await furnish(db)
            provider = await provider_of(settings)
            server.fail_next(None, "529", None, None, "truncate")
            first = sample_plan().model_copy(update={"name": "First questions", "count": 14})
            await start_batch(db, first, is_rehearsal=True)
            await run_worker(db, provider, slots=2)
            waiting = [row for row in (await conversations.first_rows(db, "status:generated")).rows]
            for row in waiting[:5]:
                await reviews.decide(db, Seen.of(row), "approve", key=reviews.new_key(), duration_ms=41_000)
            for row, reason in zip(waiting[5:7], ("Wrong tone", "Repeats itself"), strict=True):
                await reviews.decide(
                    db, Seen.of(row), "reject", key=reviews.new_key(), reason=reason, turn_number=2,
                    notes="The second answer sounds like a leaflet.", duration_ms=73_000,
                )  # fmt: skip
            await reviews.undo_last(db, key=reviews.new_key())
            await reviews.set_flag(db, waiting[8].conversation_id, True, key=reviews.new_key())
            said = [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hello."}]
            seed = {"line": 1, "system_prompt": "Be kind.", "turns": said, "metadata": {"source": "web", "score": 3}}
            await imports.conversations(db, [seed], source="seeds.jsonl", format="openai")
            await export_conversations(db, path=home / "out.jsonl", rehearsal=True)
            second = sample_plan().model_copy(update={"name": "More questions", "count": 6, "seed": 8})
            await batches.hold(db, await start_batch(db, second, is_rehearsal=True), "Paused by hand.")
            await add_seeds(db)
            await sort_out_seeds(db)
            await share_and_prove(db)


async def add_seeds(db: Database) -> None:
    """Six more seeds with metadata of each type and a tone that was a slip, searchable; nothing after this is."""
    await vocabulary.add(db, [VocabularyValue("tone", "plane", "Plane", position=9)])
    seeds = [
        {
            "line": n, "system_prompt": None, "tone": "plane", "quality_score": f"{n}.5",
            "turns": [
                {"role": "user", "content": f"How much is a harbour berth for {n} nights?"},
                {"role": "assistant", "content": f"It is {n * 12} dollars."},
            ],
            "metadata": {"source": "book", "score": n, "due": f"2026-11-0{n}", "checked": n % 2 == 0},
        }
        for n in range(1, 7)
    ]  # fmt: skip
    await imports.conversations(db, seeds, source="berths.jsonl", format="openai")
    while await index_some(db):
        pass


async def sort_out_seeds(db: Database) -> None:
    """Registered keys, a merged and an inactive value, edits of metadata, views, and bulk actions of every kind.

    No count that the first revision's dump has is changed for conversations that are no seeds.
    """
    for key, value_type in (("source", "text"), ("score", "number"), ("due", "date"), ("checked", "boolean")):
        await metadata.register(db, key, value_type, label=key.capitalize())
    await vocabulary.merge(db, "tone", "plane", "plain")
    await vocabulary.change(db, "tone", "formal", label="Formal and exact", active=False)
    await metadata.merge(db, await read_filter(db, "meta.source:book meta.score>=4"), {"checked": True, "by": "lead"})
    removed = await metadata.remove(db, await read_filter(db, "meta.source:book"), ["due"])
    assert removed.bulk_id is not None
    await metadata.undo_bulk(db, removed.bulk_id)
    await views.save(db, "Berths", "is:seed meta.source:book", "-score", ["status", "tone"], shared=True)
    await views.save(db, "Mine", "tone:plain")
    berths = await ids_of(db, await read_filter(db, "meta.source:book"))
    await bulk.flag(db, berths[:4], True)
    await bulk.decide(db, berths[:3], "approve", seen=await bulk.snapshot(db))
    await bulk.decide(db, berths[3:5], "reject", seen=await bulk.snapshot(db), reason="Wrong tone")
    await bulk.trash(db, berths[2:4], True)
    taken_back = await bulk.decide(db, berths[5:], "approve", seen=await bulk.snapshot(db))
    await bulk.undo(db, taken_back.bulk_id)


async def share_and_prove(db: Database) -> None:
    """What came later: shares, an edit, looks, a rule of retention, figures of the database, and a seal of all."""
    open_ones = await ids_of(db, await read_filter(db, "status:generated"))
    await assignments.assign(db, [(one, users.own_login()) for one in open_ones[:3]], filter_text="status:generated")
    (greeting,) = (await conversations.first_rows(db, "meta.source:web")).rows
    whole = await conversations.read(db, greeting.conversation_id)
    await reviews.edit(
        db, Seen.of(greeting), system_prompt=None, turns=turns.rewritten(whole.turns, 1, "Hello there."),
        key=reviews.new_key(), turn_number=2,
    )  # fmt: skip
    await seen.note(db, {greeting.conversation_id: 2})
    await second_review.ask(db, second_review.SecondReview(2, 0.5))
    await second_review.ask(db, None)
    await retention.change(db, "generation_logs", 365)
    await recording.note_last(db)
    await samples.hold(db, "dump", 60)
    await samples.take(db, "dump", relations=True)
    await samples.release(db, "dump")
    await seals.seal(db, everything=True)


def main() -> None:
    """Writes the dump beside this file."""
    with tempfile.TemporaryDirectory(prefix="td-") as directory:
        home = Path(directory)
        home.chmod(0o711)
        asyncio.run(fill(home))
        server = EmbeddedServer(home)
        server.start()
        dumped = subprocess.run(
            [server.program("pg_dump"), "-d", server.conninfo(SUPERUSER, DATABASE), "--restrict-key=traintui"],
            capture_output=True, check=True,
        ).stdout  # fmt: skip
        server.stop()
    path = Path(__file__).parent / f"workspace-{schema.HEAD}.sql.gz"
    path.write_bytes(gzip.compress(dumped, 9, mtime=0))
    print(f"{path}: {len(dumped):,} bytes, {path.stat().st_size:,} compressed")


if __name__ == "__main__":
    main()
