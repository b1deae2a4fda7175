"""Splits of a workspace: what is alike stays on one side, and a larger export keeps every row where it was."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from support import add_document, add_vocabulary, approved, fetch, import_items, imported, newest_exports, turns_of
from traintui.data import conversations, kin
from traintui.data.engine import Database
from traintui.data.export_reading import reading
from traintui.errors import TraintuiError
from traintui.export.forecasting import check
from traintui.export.request import ExportRequest
from traintui.export.write import run_export
from traintui.quality.signatures import signature
from traintui.quality.signing import sign_imported

WORDS = [f"word{number}" for number in range(200)]
TELLS = " ".join(WORDS)


def manifest(path: Path) -> Any:
    return json.loads(path.with_name(f"{path.stem}.manifest.json").read_text())


def sides(path: Path) -> dict[str, str]:
    return {entry[0]: entry[2] for entry in manifest(path)["conversations"]}


async def brought(db: Database, *items: tuple[str, str], **more: Any) -> list[str]:
    """Single exchanges, approved and signed; their public ids."""
    made = await import_items(db, [
        {"line": line, "system_prompt": None, "turns": turns_of(*said), **more} for line, said in enumerate(items, 1)
    ])  # fmt: skip
    await sign_imported(db, signature, 1_000)
    await approved(db, *made)
    return made


async def exported(db: Database, path: Path, share: float = 0.4, **more: Any) -> dict[str, str]:
    await run_export(db, ExportRequest(path, eval_share=share, **more))
    return sides(path)


async def test_near_duplicates_and_the_same_question_are_on_one_side(db: Database, tmp_path: Path) -> None:
    alike = await brought(db, *((f"Question {number}?", f"{TELLS} and {number}") for number in range(8)))
    asked = await brought(db, *(("The same?", f"Answer number {number} to that.") for number in range(6)))
    await approved(db, *await imported(db, 30))
    found = await exported(db, tmp_path / "out.jsonl")
    assert len({found[name] for name in alike}) == len({found[name] for name in asked}) == 1
    assert set(found.values()) == {"train", "eval"}
    told = manifest(tmp_path / "out.jsonl")
    assert told["split"]["on_both_sides"] == {"groups": 0, "new": 0, "conversations": []}
    assert told["remarks"][0].startswith("30 conversations were not compared with the others yet")


async def test_conversations_of_one_chunk_are_on_one_side(db: Database, tmp_path: Path) -> None:
    from support import Wanted, generated

    await add_vocabulary(db)
    await add_document(db, pieces=[f"Piece {number} costs {number}." for number in range(9)])
    chunks = [row[0] for row in await fetch(db, "SELECT id FROM chunks ORDER BY id")]
    made = await generated(db, 27, wanted=[Wanted(chunk_id=chunks[number % 9]) for number in range(27)])
    await approved(db, *made)
    found = await exported(db, tmp_path / "out.jsonl")
    of_chunk = {name: chunk for name, chunk in await fetch(db, "SELECT conversation_id, chunk_id FROM conversations")}
    for chunk in chunks:
        assert len({side for name, side in found.items() if of_chunk[name] == chunk}) == 1
    assert len(found) == 27 and set(found.values()) == {"train", "eval"}


async def test_one_that_comes_in_later_and_is_older_moves_nothing(db: Database, tmp_path: Path) -> None:
    alike = await brought(db, *((f"Question {number}?", f"{TELLS} and {number}") for number in range(4)))
    await approved(db, *await imported(db, 30))
    left_out = ",".join(alike[:2])
    before = await exported(db, tmp_path / "old.jsonl", 0.5, filter_text=f"-id:{left_out}")
    after = await exported(db, tmp_path / "new.jsonl", 0.5)
    assert before.items() <= after.items() and len(after) == len(before) + 2


async def test_what_is_not_alike_is_not_put_together(db: Database) -> None:
    made = await brought(db, *((f"Question {number}?", f"Answer {number}, in words {number}.") for number in range(12)))
    alike = await brought(db, ("Long?", TELLS), ("Long too?", f"{TELLS} and more"))
    async with reading(db, await ExportRequest(Path("out.jsonl")).scope(db)) as reader:
        joined, nodes = await reader.kin(), [each async for each in reader.nodes()]
    assert [name for name, node, _ in nodes if joined.is_alone(node)] == made
    assert len({joined.of(node) for name, node, _ in nodes if name in alike}) == 1
    assert all(is_compared for _, _, is_compared in nodes)


async def test_sides_of_a_manifest_hold_when_something_new_joins_what_was_apart(db: Database, tmp_path: Path) -> None:
    apart = await brought(db, ("One?", " ".join(WORDS[:-40])), ("Two?", " ".join(WORDS[40:])))
    await approved(db, *await imported(db, 20))
    before = await exported(db, tmp_path / "old.jsonl")
    # As if they had been put apart before anything was like both of them.
    told = (tmp_path / "old.manifest.json").read_text()
    for name, side in zip(apart, ("train", "eval"), strict=True):
        told = told.replace(f'["{name}",1,"{before[name]}"]', f'["{name}",1,"{side}"]')
        before[name] = side
    (tmp_path / "old.manifest.json").write_text(told)
    (new,) = await brought(db, ("Three?", TELLS))
    path = tmp_path / "new.jsonl"
    found = await exported(db, path, sides=tmp_path / "old.manifest.json")
    assert before.items() <= found.items() and found[new] == "train"
    split = manifest(path)["split"]
    assert split["kept"] == len(before)
    assert split["on_both_sides"]["conversations"] == [{"conversation_id": new, "side": "train"}]
    assert any("1 new conversation joins groups" in remark for remark in manifest(path)["remarks"])
    again = await run_export(
        db, ExportRequest(tmp_path / "again.jsonl", eval_share=0.4, sides=tmp_path / "old.manifest.json")
    )
    assert again.sha256 == next(file["sha256"] for file in manifest(path)["files"] if file["name"] == "new.jsonl")


async def test_an_export_over_its_own_file_keeps_its_sides_while_the_share_is_the_same(
    db: Database, tmp_path: Path
) -> None:
    await approved(db, *await imported(db, 12))
    path = tmp_path / "out.jsonl"
    before = await exported(db, path)
    turned = {name: "eval" if side == "train" else "train" for name, side in before.items()}
    told = (tmp_path / "out.manifest.json").read_text()
    for name, side in before.items():
        told = told.replace(f'["{name}",1,"{side}"]', f'["{name}",1,"{turned[name]}"]')
    (tmp_path / "out.manifest.json").write_text(told)
    foretold = (await check(db, ExportRequest(path, eval_share=0.4))).split
    number = Counter(turned.values())
    assert foretold is not None
    assert foretold.words.startswith(
        f"{number['train']} train and {number['eval']} eval; the sides of out.manifest.json,"
    )
    assert foretold.words.endswith(", the file that is replaced, hold")
    assert await exported(db, path, overwrite=True) == turned
    # Who reads the manifest, the log or the command is told whose sides these are.
    told, (logged, *_) = manifest(path), await newest_exports(db)
    assert told["options"]["sides"] == logged.metadata["options"]["sides"] == "out.manifest.json"
    assert told["remarks"][0] == (
        "12 conversations keep their sides: those of out.manifest.json, which this export replaces, hold."
    )
    assert str(tmp_path) not in json.dumps(told)
    assert await exported(db, path, 0.400001, overwrite=True) == before
    assert manifest(path)["options"]["sides"] is None


async def test_a_split_is_foretold_as_it_is_written_and_where_it_takes_minutes_by_its_share(
    db: Database, tmp_path: Path
) -> None:
    await brought(db, *((f"Question {number}?", f"{TELLS} and {number}") for number in range(8)))
    await approved(db, *await imported(db, 30))
    request = ExportRequest(tmp_path / "out.jsonl", eval_share=0.25, strata=("tier",))
    compared: list[tuple[int, int]] = []
    foretold = (await check(db, request, on_kin=lambda *how_far: compared.append(how_far))).split
    about = (await check(db, request, compared=10)).split
    found = Counter((await exported(db, request.path, 0.25)).values())
    assert foretold is not None and (foretold.train, foretold.eval) == (found["train"], found["eval"])
    assert compared == [(38, 38)] and foretold.words == f"{found['train']} train and {found['eval']} eval"
    assert about is not None and about.words == "about 28 train and 10 eval"


async def test_how_far_the_comparing_is_is_said_and_giving_it_up_leaves_nothing(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kin, "PORTION", 10)
    await approved(db, *await imported(db, 35))
    steps: list[tuple[int, int]] = []

    def far_enough(done: int, total: int) -> None:
        steps.append((done, total))
        if done == 20:
            export.cancel()

    request = ExportRequest(tmp_path / "out.jsonl", eval_share=0.2)
    export = asyncio.create_task(run_export(db, request, on_kin=far_enough))
    with pytest.raises(asyncio.CancelledError):
        await export
    assert steps[:2] == [(10, 35), (20, 35)] and len(steps) < 4
    assert list(tmp_path.iterdir()) == [] and await newest_exports(db) == ()
    await run_export(db, request)
    assert len(sides(request.path)) == 35


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read"),
        ("", "no conversation in it has a side"),
        ('{\n  "conversations": [\n    7\n', "no manifest"),
        ('{\n  "conversations": [\n    ["c-1",1]\n  ]\n}\n', "no conversation in it has a side"),
    ],
)
async def test_what_has_no_sides_is_named(db: Database, tmp_path: Path, content: str | None, why: str) -> None:
    await approved(db, *await imported(db, 1))
    given = tmp_path / "x.manifest.json"
    if content is not None:
        given.write_text(content)
    with pytest.raises(TraintuiError, match=why):
        await exported(db, tmp_path / "out.jsonl", sides=given)
    with pytest.raises(TraintuiError, match="no share"):
        await run_export(db, ExportRequest(tmp_path / "out.jsonl", sides=given))
    assert await conversations.count(db) == 1 and not (tmp_path / "out.jsonl").exists()


async def test_a_damaged_manifest_of_the_same_share_stops_an_export_over_its_own_file(
    db: Database, tmp_path: Path
) -> None:
    await approved(db, *await imported(db, 20))
    path = tmp_path / "out.jsonl"
    await exported(db, path)
    beside = tmp_path / "out.manifest.json"
    beside.write_text(beside.read_text().replace('["c-', "[c-"))
    before = path.read_bytes()
    with pytest.raises(TraintuiError, match="it is no manifest of an export"):
        await exported(db, path, overwrite=True)
    assert path.read_bytes() == before
    await run_export(db, ExportRequest(path, eval_share=0.2, overwrite=True))
    assert manifest(path)["options"]["eval_share"] == 0.2
