"""Thresholds are shared settings: typed, with defaults, changed by administrators, on record."""

from __future__ import annotations

from typing import Any

import pytest

from support import fetch
from traintui.data import workspace_settings
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.quality import thresholds
from traintui.quality.thresholds import DEFAULTS, BadThreshold, Thresholds, thresholds_of


async def test_without_settings_every_threshold_is_at_its_default(db: Database) -> None:
    assert await thresholds.read(db) == DEFAULTS
    weights = [getattr(DEFAULTS, name) for name in Thresholds.model_fields if name.endswith("_weight")]
    assert len(weights) == 7 and sum(weights) == 10


async def test_an_administrator_changes_one_and_it_is_on_record_and_can_be_taken_back(db: Database) -> None:
    await thresholds.change(db, "closeness_good", 0.4)
    await thresholds.change(db, "usual_turns", [4, 8])
    found = await thresholds.read(db)
    assert (found.closeness_good, found.usual_turns, found.grounding_good) == (0.4, (4, 8), DEFAULTS.grounding_good)
    await thresholds.change(db, "closeness_good", None)
    assert (await thresholds.read(db)).closeness_good == DEFAULTS.closeness_good
    log = await fetch(db, "SELECT key, new_value, changed_by FROM workspace_setting_changes ORDER BY id DESC LIMIT 3")
    assert [tuple(row) for row in reversed(log)] == [
        ("score.closeness_good", 0.4, "ada"), ("score.usual_turns", [4, 8], "ada"),
        ("score.closeness_good", None, "ada"),
    ]  # fmt: skip


async def test_nobody_else_changes_one(reviewer_db: Database) -> None:
    with pytest.raises(Refused, match="No right"):
        await thresholds.change(reviewer_db, "closeness_good", 0.4)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("closenes_good", 0.4, "Did you mean closeness_good?"),
        ("closeness_good", 40, "closeness_good is 40: Input should be less than or equal to 1"),
        ("closeness_good", "many", "closeness_good is 'many': Input should be a valid number"),
        ("closeness_good", 0.95, "closeness_good is not less than closeness_worst"),
        ("usual_turns", [8, 2], "usual_turns begins with more than it ends with"),
        ("usual_turns", [8], "usual_turns is"),
        ("user_words_best", [1, 60], "user_words_best does not lie inside of user_words"),
        ("structure_weight", -1, "structure_weight is -1"),
        ("words_supported", 0, "words_supported is 0"),
    ],
)
async def test_one_that_is_unknown_or_bad_is_named_and_not_stored(
    db: Database, name: str, value: Any, said: str
) -> None:
    with pytest.raises(BadThreshold) as refused:
        await thresholds.change(db, name, value)
    assert said in refused.value.message and "traintui threshold" in refused.value.remedy
    assert await thresholds.read(db) == DEFAULTS


def test_a_score_of_nothing_is_no_score() -> None:
    with pytest.raises(BadThreshold, match="every weight is 0"):
        thresholds_of({name: 0 for name in Thresholds.model_fields if name.endswith("_weight")})


async def test_bad_ones_that_were_stored_past_the_check_are_said_and_mended_one_by_one(db: Database) -> None:
    await workspace_settings.change(db, "score.repetition_good", "little")
    await workspace_settings.change(db, "score.grounding_good", 7)
    await workspace_settings.change(db, "score.brilliance", 1)
    with pytest.raises(BadThreshold, match="brilliance"):
        await thresholds.read(db)
    await thresholds.change(db, "brilliance", None)
    with pytest.raises(BadThreshold, match=r"traintui threshold reset (grounding|repetition)_good"):
        await thresholds.read(db)
    await thresholds.change(db, "grounding_good", 0.6)
    await thresholds.change(db, "repetition_good", None)
    assert await thresholds.read(db) == DEFAULTS.model_copy(update={"grounding_good": 0.6})
