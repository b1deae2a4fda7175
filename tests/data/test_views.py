"""Views are saved by their owner, seen by whom they are shared with, and deleted by nobody else."""

from __future__ import annotations

from typing import Literal

import pytest

from support import Conninfo, logged_in, sqlstate
from traintui.data import views
from traintui.data.engine import Database
from traintui.data.filters import parse
from traintui.data.log_fields import LOGS
from traintui.data.log_sorting import order_written
from traintui.data.refusals import Refused
from traintui.data.views import BUILT_IN


def names(found: tuple[views.SavedView, ...]) -> list[str]:
    assert found[: len(BUILT_IN)] == BUILT_IN
    return [view.name for view in found[len(BUILT_IN) :]]


def test_what_is_built_in_can_be_read() -> None:
    for view in BUILT_IN:
        assert view.is_built_in and parse(view.filter_text)


async def test_a_view_comes_back_as_it_was_saved_and_one_of_its_name_replaces_it(reviewer_db: Database) -> None:
    columns = [{"name": "score", "width": 8}, "persona"]
    first = await views.save(reviewer_db, "  Mine ", " is:mine ", "-score", columns)
    assert (first.name, first.owner, first.filter_text, first.sort) == ("Mine", "rita", "is:mine", "-score")
    assert (first.columns, first.shared, first.is_built_in) == (tuple(columns), False, False)
    again = await views.save(reviewer_db, "Mine", "score<4", shared=True)
    assert (again.id, again.filter_text, again.columns, again.shared) == (first.id, "score<4", (), True)
    assert (await views.views(reviewer_db))[len(BUILT_IN) :] == (again,)


async def test_one_sees_ones_own_first_then_what_others_share(reviewer_db: Database, conninfo: Conninfo) -> None:
    async with logged_in(conninfo("ron")) as ron:
        await views.save(ron, "A shared one", "score<4", shared=True)
        await views.save(ron, "A private one", "score<5")
        await views.save(ron, "Mine", "is:mine")
    await views.save(reviewer_db, "Mine", "is:flagged")
    await views.save(reviewer_db, "Last", "is:flagged")
    assert names(await views.views(reviewer_db)) == ["Last", "Mine", "A shared one"]
    async with logged_in(conninfo("audrey")) as auditor:
        assert names(await views.views(auditor)) == ["A shared one"]


async def test_only_the_owner_deletes_and_an_administrator_what_is_shared(
    db: Database, reviewer_db: Database, conninfo: Conninfo
) -> None:
    private = await views.save(reviewer_db, "Private", "score<4")
    shared = await views.save(reviewer_db, "Shared", "score<4", shared=True)
    assert private.id and shared.id
    async with logged_in(conninfo("ron")) as ron:
        with pytest.raises(Refused, match="belongs to rita"):
            await views.delete(ron, shared.id)
    with pytest.raises(Refused, match="belongs to rita"):
        await views.delete(db, private.id)
    await views.delete(db, shared.id)
    await views.delete(reviewer_db, private.id)
    assert names(await views.views(reviewer_db)) == []
    with pytest.raises(Refused) as gone:
        await views.delete(reviewer_db, private.id)
    assert gone.value.code == "TT002"


@pytest.mark.parametrize("name", ["", " \t ", "x" * 81])
async def test_a_name_that_is_none_is_refused_with_what_to_do(reviewer_db: Database, name: str) -> None:
    with pytest.raises(Refused, match="1 to 80 characters"):
        await views.save(reviewer_db, name, "score<4")


async def test_a_filter_that_is_too_long_is_refused_and_what_cannot_be_stored_is_replaced(
    reviewer_db: Database,
) -> None:
    with pytest.raises(Refused, match="at most 4,000 characters"):
        await views.save(reviewer_db, "Long", "x" * 4_001)
    with pytest.raises(Refused, match="16 kB"):
        await views.save(reviewer_db, "Wide", "", columns=["x" * 20_000])
    assert (
        await views.save(reviewer_db, "a\x00b\ud800", '"[b]"')
    ).name == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"


async def test_an_auditor_saves_none_and_nobody_writes_past_the_functions(conninfo: Conninfo) -> None:
    async with logged_in(conninfo("audrey")) as auditor:
        with pytest.raises(Refused) as refused:
            await views.save(auditor, "Mine", "")
    assert refused.value.title == "No right"
    for login in ("rita", "arthur", "audrey", "ada"):
        forged = "INSERT INTO saved_views (name, owner, filter, sort) VALUES ('x', 'ron', '', '')"
        for statement in (forged, "UPDATE saved_views SET owner = 'x'", "DELETE FROM saved_views"):
            assert sqlstate(conninfo(login), statement) == "42501"


async def test_each_log_has_views_of_its_own_and_auditors_keep_some(reviewer_db: Database, conninfo: Conninfo) -> None:
    await views.save(reviewer_db, "Mine", "score<4")
    async with logged_in(conninfo("audrey")) as auditor:
        mine = await views.save(auditor, "Mine", "state:error", "-cost", of="generations")
        other = await views.save(auditor, "Mine", "action:reject", of="reviews", shared=True)
        assert (await views.views(auditor, "generations"))[-1] == mine
        assert (await views.views(auditor, "reviews"))[-1] == other
        assert mine.id and mine.id != other.id
        await views.delete(auditor, mine.id)
        assert (await views.views(auditor, "generations"))[-1].is_built_in
    assert names(await views.views(reviewer_db)) == ["Mine"]
    assert (await views.views(reviewer_db, "reviews"))[-1].name == "Mine"
    with pytest.raises(Refused):
        await views.delete(reviewer_db, other.id or 0)


@pytest.mark.parametrize("name", ["generations", "reviews", "exports"])
def test_what_is_built_in_for_a_log_can_be_read_and_its_order_is_known(name: Literal["generations"]) -> None:
    for view in views.BUILT_IN_OF[name]:
        assert LOGS[name].read(view.filter_text).text == view.filter_text
        assert order_written(view.sort, LOGS[name]).text == view.sort
