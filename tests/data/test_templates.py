"""Templates keep their versions; what was made with each is counted, and an inactive one begins no batch."""

from __future__ import annotations

from decimal import Decimal

import pytest

from support import Conninfo, Wanted, add_vocabulary, approved, generated, planned, sqlstate, started
from traintui.data import attempts, batches, templates, work
from traintui.data.attempts import Outcome
from traintui.data.engine import Database
from traintui.data.records import TemplateUsage
from traintui.data.refusals import Refused
from traintui.errors import TraintuiError
from traintui.generation.plan import Plan
from traintui.generation.prompt import builtin_template
from traintui.generation.start import active_template, keep_builtin, start_batch, text_of


async def test_saving_keeps_every_version_and_the_same_text_is_none(db: Database) -> None:
    first = await templates.store(db, "calls", system="S", user_prompt="One")
    second = await templates.store(db, "calls", system="S", user_prompt="Two")
    again = await templates.store(db, "calls", system="S", user_prompt="Two")
    assert (first.version, second.version, again) == (1, 2, second)
    assert await templates.versions(db, "calls") == (second, first)
    assert second.created_by == "ada" and not second.built_in


@pytest.mark.parametrize(("name", "user"), [("", "x"), (" calls", "x"), ("x" * 81, "x"), ("calls", " \n"),
                                            ("calls", "x" * 270_000)])  # fmt: skip
async def test_what_is_no_template_is_not_stored(db: Database, name: str, user: str) -> None:
    with pytest.raises(Refused) as refused:
        await templates.store(db, name, system="", user_prompt=user)
    assert refused.value.remedy
    assert await templates.versions(db) == ()


async def test_a_reviewer_reads_templates_and_changes_none(db: Database, reviewer_db: Database) -> None:
    made = await templates.store(db, "calls", system="S", user_prompt="One")
    assert await templates.versions(reviewer_db) == (made,)
    with pytest.raises(Refused, match="Permission denied"):
        await templates.store(reviewer_db, "calls", system="S", user_prompt="Two")
    with pytest.raises(Refused, match="Permission denied"):
        await templates.set_active(reviewer_db, [made.id], False)


def test_a_version_is_never_rewritten(conninfo: Conninfo) -> None:
    assert sqlstate(conninfo("ada"), "UPDATE templates SET user_prompt = 'other'") == "42501"


async def test_versions_are_put_out_of_use_all_or_none(db: Database) -> None:
    made = await templates.store(db, "calls", system="S", user_prompt="One")
    with pytest.raises(Refused, match="not there any more"):
        await templates.set_active(db, [made.id, made.id + 7], False)
    assert (await templates.get(db, made.id)).active
    await templates.set_active(db, [made.id], False)
    assert not (await templates.get(db, made.id)).active


async def test_an_inactive_version_begins_no_batch_and_one_that_runs_keeps_it(db: Database) -> None:
    await add_vocabulary(db)
    batch_id = await planned(db)
    version = (await templates.versions(db, "conversation"))[0]
    await templates.set_active(db, [version.id], False)
    with pytest.raises(Refused, match='Version 1 of template "conversation" is inactive'):
        await planned(db)
    await work.take_up_batches(db, is_rehearsal=False)
    async with work.registered(db) as worker_id:
        (item,) = await work.claim(db, worker_id, 1, is_rehearsal=False)
    assert item.batch_id == batch_id and (await batches.setup(db, batch_id)).template_id == version.id


async def test_a_new_batch_takes_the_newest_active_version(db: Database) -> None:
    assert await active_template(db, "conversation") is None
    await keep_builtin(db)
    await keep_builtin(db)
    (builtin,) = await templates.versions(db)
    assert builtin.built_in and text_of(builtin) == builtin_template()
    assert await active_template(db, "conversation") == builtin
    written = await templates.store(db, "conversation", system="Mine", user_prompt="About {{ topic.label }}.")
    assert await active_template(db, "conversation") == written
    await templates.set_active(db, [written.id], False)
    assert await active_template(db, "conversation") == builtin
    await templates.set_active(db, [builtin.id], False)
    with pytest.raises(TraintuiError, match="no version of 'conversation' is active"):
        await start_batch(db, Plan(name="A", count=1), is_rehearsal=True)
    with pytest.raises(TraintuiError, match="there is no 'conversations', did you mean 'conversation'"):
        await start_batch(db, Plan(name="A", count=1, template="conversations"), is_rehearsal=True)


async def test_a_newer_traintui_brings_its_own_text_unless_somebody_wrote_one(db: Database) -> None:
    await templates.store(db, "conversation", system="Of last year", user_prompt="x", built_in=True)
    assert await active_template(db, "conversation") is None
    written = await templates.store(db, "conversation", system="Mine", user_prompt="x")
    assert await active_template(db, "conversation") == written


async def test_usage_counts_conversations_scores_decisions_and_what_all_calls_cost(db: Database) -> None:
    await add_vocabulary(db)
    first, second, _ = await generated(db, wanted=[Wanted(), Wanted(), Wanted(topic="savings")])
    await approved(db, first, second)
    version = (await templates.versions(db))[0]
    other = await templates.store(db, "unused", system="", user_prompt="x")
    used = await templates.usage(db)
    assert used == {version.id: TemplateUsage(3, 3, Decimal("22.50"), 2, 0, 3, Decimal("0.03"), 0)}
    assert other.id not in used
    assert (used[version.id].mean_score, used[version.id].approval_rate) == (Decimal("7.5"), 1.0)


async def test_usage_counts_failed_calls_and_each_late_reply_once(db: Database) -> None:
    await add_vocabulary(db)
    await planned(db, 2)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        lost, failed = await work.claim(db, worker_id, 2, is_rehearsal=False)
        given_up = await started(db, lost, worker_id)
        await attempts.finish(db, given_up, Outcome("unknown", cost_usd=Decimal("0.25"), cost_is_estimate=True))
        await attempts.finish(db, given_up, Outcome("ok", cost_usd=Decimal("0.02"), output_tokens=7))
        await attempts.finish(db, await started(db, failed, worker_id), Outcome("error", output_tokens=9))
    (used,) = (await templates.usage(db)).values()
    assert (used.conversations, used.calls, used.cost_usd, used.unpriced_calls) == (0, 3, Decimal("0.02"), 1)
    assert used.mean_score is None and used.approval_rate is None


def test_usage_of_versions_adds_up() -> None:
    whole = TemplateUsage(2, 1, Decimal(8), 1, 1, 2, Decimal("0.1"), 0) + TemplateUsage(calls=3, unpriced_calls=1)
    assert whole == TemplateUsage(2, 1, Decimal(8), 1, 1, 5, Decimal("0.1"), 1)
    assert whole.approval_rate == 0.5
