"""What a workspace trains is chosen once, for reading and for exports, and on record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support import Conninfo, approved, fetch, imported, logged_in
from traintui.data import workspace_settings
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.export import forecasting, training_targets
from traintui.export.formats import FORMATS
from traintui.export.request import ExportRequest
from traintui.export.training_targets import (
    CHOOSABLE,
    NOTHING,
    USUAL,
    BadTarget,
    TrainingTarget,
    path_of,
    read_target,
    target_of,
    targets_of,
)
from traintui.export.write import run_export


def test_what_is_trained_on_as_it_stands_can_be_chosen_and_nothing_else() -> None:
    assert set(USUAL) <= set(CHOOSABLE) == {name for name, format in FORMATS.items() if format.kind == "supervised"}
    for name, says in (("trl-dpo", "comes from decisions"), ("traintui", "moves"), ("openia", "Did you mean openai?")):
        with pytest.raises(BadTarget, match=says):
            target_of(name)


def test_a_target_is_written_with_its_limit() -> None:
    assert read_target(" trl:4,096 ") == TrainingTarget("trl", 4096) and str(read_target("trl:4096")) == "trl:4096"
    assert read_target("mistral").tokens is None and read_target("trl").tokens == 1024
    for wrong in ("trl:", "trl:many", "trl:0", "trl:-5", "trl:1e3"):
        with pytest.raises(BadTarget, match="no limit of trl"):
            read_target(wrong)
    with pytest.raises(BadTarget, match="twice"):
        targets_of([TrainingTarget("trl"), TrainingTarget("trl", 5)])


def test_without_a_choice_there_are_the_usual_ones() -> None:
    assert [target.name for target in NOTHING.or_usual] == list(USUAL) and NOTHING.first is None


def test_a_path_means_the_same_wherever_the_app_is_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert path_of("models/tokenizer.json") == tmp_path / "models/tokenizer.json"
    assert path_of("~/models") == Path("~/models") and path_of("  ") is None


async def test_the_choice_is_kept_in_its_order_and_each_change_is_on_record(db: Database) -> None:
    wanted = targets_of([TrainingTarget("mistral"), TrainingTarget("trl", 2048)], Path("/models/a/tokenizer.json"))
    await training_targets.change(db, wanted)
    await training_targets.change(db, wanted)  # which changes nothing
    assert await training_targets.read(db) == wanted
    await training_targets.change(db, targets_of(wanted.chosen))
    assert (await training_targets.read(db)).tokenizer is None
    log = await fetch(
        db, "SELECT key, changed_by FROM workspace_setting_changes WHERE key LIKE 'training.%' ORDER BY id"
    )
    assert [row.key for row in log] == ["training.targets", "training.tokenizer", "training.tokenizer"]
    assert {row.changed_by for row in log} == {"ada"}


async def test_only_administrators_choose(db: Database, conninfo: Conninfo) -> None:
    async with logged_in(conninfo("rita")) as reviewer:
        with pytest.raises(Refused):
            await training_targets.change(reviewer, targets_of([TrainingTarget("trl")]))
        assert await training_targets.read(reviewer) == NOTHING


@pytest.mark.parametrize("stored", ["trl", [1], [{"format": "gpt"}], [{"name": "trl"}], {"trl": 1}])
async def test_what_cannot_be_a_choice_is_answered_with_how_to_choose_anew(db: Database, stored: Any) -> None:
    await workspace_settings.change(db, training_targets.TARGETS, stored)
    with pytest.raises(BadTarget) as refused:
        await training_targets.read(db)
    assert "traintui targets set" in refused.value.remedy
    await training_targets.change(db, targets_of([TrainingTarget("trl")]))
    assert (await training_targets.read(db)).first == "trl"


async def test_an_export_is_held_against_the_limit_of_the_workspace_unless_it_names_one(
    db: Database, tmp_path: Path
) -> None:
    await approved(db, *await imported(db, 3))
    await training_targets.change(db, targets_of([TrainingTarget("trl", 10)]))
    path = tmp_path / "out.jsonl"
    found = await forecasting.check(db, ExportRequest(path, "trl"))
    assert found.totals.passing == 0 and "TRL cuts all of them to 10 tokens" in found.totals.words()
    given = await forecasting.check(db, ExportRequest(path, "trl", limit=5_000))
    other = await forecasting.check(db, ExportRequest(path, "unsloth"))
    assert given.totals.passing == other.totals.passing == 3
    await run_export(db, ExportRequest(path, "trl"))
    manifest = json.loads((tmp_path / "out.manifest.json").read_text())
    assert manifest["options"]["limit"] == manifest["preflight"]["limit"] == 10
    assert manifest["options"]["from_workspace"] == ["limit"] and manifest["options"]["tokenizer"] is None


async def test_a_machine_without_the_tokenizer_of_the_workspace_estimates_and_says_so(
    db: Database, tmp_path: Path
) -> None:
    await approved(db, *await imported(db, 2))
    await training_targets.change(db, targets_of([TrainingTarget("trl")], tmp_path / "llama" / "tokenizer.json"))
    says = "Tokens are estimated: the workspace's tokenizer, llama, is not on this machine."
    path = tmp_path / "out.jsonl"
    found = await forecasting.check(db, ExportRequest(path, "trl"))
    assert found.totals.is_estimate and found.remarks[0].says == says
    summary = await run_export(db, ExportRequest(path, "trl"))
    manifest = json.loads((tmp_path / "out.manifest.json").read_text())
    assert says in summary.remarks and manifest["remarks"][0] == says
    assert manifest["preflight"]["tokens_are_estimated"] and manifest["preflight"]["counted_by"] == "estimate"
    assert manifest["options"] | {"tokenizer": "llama", "from_workspace": ["tokenizer"]} == manifest["options"]
    # What takes any number of tokens, and what moves conversations, counts none.
    for format in ("mistral", "traintui"):
        told = await forecasting.check(db, ExportRequest(path, format))
        assert says not in [remark.says for remark in told.remarks]
