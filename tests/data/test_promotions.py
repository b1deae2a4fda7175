"""A metadata key becomes a column while people work, and goes back without a loss."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import select

from support import Conninfo, fetch, imported, logged_in, scalar, seen
from traintui.data import (
    counting,
    metadata,
    metadata_schema,
    promoted_schema,
    promotions,
    reviews,
    schema,
    schema_check,
    schema_history,
    upgrade_plan,
    workspace_migrations,
)
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.fields import Fields, Kind
from traintui.data.filters import Filter, FilterError, parse
from traintui.data.listing import NEWEST, Order
from traintui.data.live import Live
from traintui.data.metadata_values import checked_key
from traintui.data.models import Conversation as C
from traintui.data.promotion_files import Planned, render, steps_of
from traintui.data.promotion_records import Promotion
from traintui.data.refusals import Refused
from traintui.data.reviews import new_key
from traintui.errors import TraintuiError
from traintui.widgets.conversation_columns import columns_of

VALUES: dict[str, list[Any]] = {
    "text": ["web", "", "a 'quote' and \\ and $$", "x" * 9_000], "integer": [0, -(2**53), 3.0, 2**53],
    "number": [0, 1.5, -1e15, 5e-324], "boolean": [True, False, True, False],
    "date": ["0001-01-01", "2024-02-29", "9999-12-31", "2026-11-29"],
}  # fmt: skip
BELOW = str(ScriptDirectory.from_config(schema.alembic_config()).get_revision(workspace_migrations.NEEDS).down_revision)
"""The revision that knows no promotions."""
UNFIT: dict[str, Any] = {"text": 4, "integer": 1.5, "number": "1", "boolean": "true", "date": "2026-02-30"}
SEEN = "SELECT id, metadata, revision, updated_at, status, decision_id FROM conversations ORDER BY id"
RUN = "import sys, pathlib; from traintui.data import workspace_migrations as w;" \
    " w.apply(sys.argv[1], pathlib.Path(sys.argv[2]), lambda *far: print(*far, flush=True))"  # fmt: skip


async def store(conninfo: Conninfo, *values: Any, key: str = "page") -> None:
    """A conversation for each value under the key, and one without it."""
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        for value in values:
            connection.execute(
                "INSERT INTO conversations (is_seed, metadata) VALUES (true, %s)", [Jsonb({key: value, "other": [1]})]
            )
        connection.execute("INSERT INTO conversations (is_seed) VALUES (true)")


async def plan(db: Database, folder: Path, key: str, value_type: str, **given: bool) -> Path:
    """Writes the files that the promotion of a key needs; the last one."""
    looked = await promotions.look(db, key, value_type)
    files = await workspace_migrations.planned_promotion(db, folder, key, value_type, looked, **given)
    for each in files:
        each.write()
    return files[-1].path


async def promote(
    db: Database, conninfo: Conninfo, folder: Path, key: str, value_type: str, **given: bool
) -> Promotion:
    await plan(db, folder, key, value_type, **given)
    await asyncio.to_thread(workspace_migrations.apply, conninfo(SUPERUSER), folder)
    return next(each for each in await promotions.every(db) if each.key == key and each.stands)


async def demote(db: Database, conninfo: Conninfo, folder: Path, key: str) -> Promotion:
    for each in await workspace_migrations.planned_demotion(db, folder, key):
        each.write()
    await asyncio.to_thread(workspace_migrations.apply, conninfo(SUPERUSER), folder)
    return next(each for each in await promotions.every(db) if each.key == key)


def column_is_there(conninfo: Conninfo, column: str) -> bool:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        found = connection.execute(
            "SELECT count(*) FROM information_schema.columns WHERE table_name = 'conversations' AND column_name = %s",
            [column],
        ).fetchone()
    return found == (1,)


@pytest.mark.parametrize("value_type", VALUES)
async def test_a_promoted_key_has_its_values_in_a_column_and_goes_back_as_it_was(
    db: Database, conninfo: Conninfo, tmp_path: Path, value_type: str
) -> None:
    await store(conninfo, *VALUES[value_type])
    before, fed = await fetch(db, SEEN), await scalar(db, "SELECT count(*) FROM conversation_changes")
    searched = await scalar(db, "SELECT count(*) FROM search_pending")
    done = await promote(db, conninfo, tmp_path, "page", value_type)
    assert (done.state, done.column, done.filled, done.unfitting) == ("promoted", "key_page", 4, 0)
    held = await fetch(db, "SELECT to_jsonb(key_page), metadata -> 'page' FROM conversations ORDER BY id")
    assert [row[0] for row in held] == [row[1] for row in held] == [*VALUES[value_type], None]
    assert await fetch(db, SEEN) == before
    assert await scalar(db, "SELECT count(*) FROM conversation_changes") == fed
    assert await scalar(db, "SELECT count(*) FROM search_pending") == searched
    assert await scalar(db, "SELECT indisvalid FROM pg_index WHERE indexrelid::regclass::text ~ 'key_page'")
    back = await demote(db, conninfo, tmp_path, "page")
    assert (back.state, back.demoted_in, back.demoted_by) == ("demoted", "w0002", "ada")
    assert await fetch(db, SEEN) == before and not column_is_there(conninfo, "key_page")
    assert await metadata.keys(db) == ()
    with pytest.raises(FilterError, match='no field "page"') as refused:
        parse("page:1", fields=Fields(await metadata.registered_fields(db)))
    assert "A metadata key is meta.page." in refused.value.remedy
    await metadata.register(db, "page", value_type)
    fields = Fields(await metadata.registered_fields(db))
    with pytest.raises(FilterError) as refused:
        parse("page:1", fields=fields)
    assert refused.value.remedy.startswith("Did you mean meta.page?") == ("meta.page" in fields)


@pytest.mark.parametrize("value_type", VALUES)
async def test_values_that_do_not_fit_are_refused_or_stay_in_metadata(
    db: Database, conninfo: Conninfo, tmp_path: Path, value_type: str
) -> None:
    await store(conninfo, VALUES[value_type][0], UNFIT[value_type])
    looked = await promotions.look(db, "page", value_type)
    (unfit,) = await fetch(db, "SELECT conversation_id, metadata ->> 'page' FROM conversations WHERE id = 2")
    assert (looked.held, looked.unfitting) == (2, 1) and looked.examples[0][0] == unfit[0]
    with pytest.raises(TraintuiError, match="1 of 2 values"):
        await plan(db, tmp_path, "page", value_type)
    assert list(tmp_path.iterdir()) == []
    done = await promote(db, conninfo, tmp_path, "page", value_type, leave_unfitting=True)
    assert (done.filled, done.unfitting) == (1, 1)
    fields = Fields(await metadata.registered_fields(db))
    for asked, ids in (("has:meta.page -has:page", [2]), ("has:page", [1]), ("has:page,meta.page", [1, 2])):
        assert await ids_matching(db, parse(asked, fields=fields)) == ids
    # Other keys of what does not fit are edited as before; the key itself takes what fits.
    await metadata.merge(db, [2], {"more": 1})
    with pytest.raises(Refused, match="takes"):
        await metadata.merge(db, [2], {"page": [UNFIT[value_type]]})
    await metadata.merge(db, [2], {"page": VALUES[value_type][1]})
    assert await scalar(db, "SELECT to_jsonb(key_page) FROM conversations WHERE id = 2") == VALUES[value_type][1]


async def test_who_writes_metadata_or_the_column_meanwhile_finds_both_in_step(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    await store(conninfo, 1, 2, 3)
    await plan(db, tmp_path, "page", "integer")
    steps = steps_of(Planned("w0001", "page", "key_page", "integer", None, False, "ada"))
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(b"SET ROLE traintui_owner")
        connection.execute(steps.add.encode())
        # Nothing is filled yet: an old writer's value lands in the column, and an edit of another key loses nothing.
        await metadata.merge(db, [1], {"page": 7})
        await metadata.merge(db, [2], {"other": "x"})
        connection.execute("UPDATE conversations SET key_page = 9 WHERE id = 3")
        connection.execute("INSERT INTO conversations (is_seed, key_page) VALUES (true, 5)")
    both = "SELECT key_page, metadata ->> 'page' FROM conversations ORDER BY id"
    expected = [(7, "7"), (2, "2"), (9, "9"), (None, None), (5, "5")]
    assert [tuple(row) for row in await fetch(db, both)] == expected
    await asyncio.to_thread(workspace_migrations.apply, conninfo(SUPERUSER), tmp_path)
    assert [tuple(row) for row in await fetch(db, both)] == expected
    await metadata.remove(db, [1], ["page"])
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE conversations SET key_page = NULL WHERE id = 2")
    assert [tuple(row) for row in await fetch(db, both)][:2] == [(None, None), (None, None)]


@pytest.mark.parametrize("by_downgrade", [False, True])
async def test_a_value_that_only_the_column_has_goes_back_into_metadata_whatever_its_schema_says(
    db: Database, conninfo: Conninfo, tmp_path: Path, by_downgrade: bool
) -> None:
    await store(conninfo, 1, 2)
    await promote(db, conninfo, tmp_path, "page", "integer")
    await metadata_schema.register(db, {"required": ["source"]}, seen=0)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")  # as a load without triggers
        connection.execute("UPDATE conversations SET key_page = 40 WHERE id = 2")
    if by_downgrade:
        await asyncio.to_thread(schema.downgrade, conninfo(SUPERUSER), BELOW)
    else:
        await demote(db, conninfo, tmp_path, "page")
    assert await scalar(db, "SELECT metadata FROM conversations WHERE id = 2") == {"page": 40, "other": [1]}


@pytest.mark.parametrize("first", ["page", "sheet's"])
async def test_a_demotion_loses_no_value_that_the_column_of_another_key_alone_has(
    db: Database, conninfo: Conninfo, tmp_path: Path, first: str
) -> None:
    second = "sheet's" if first == "page" else "page"
    types = {"page": "integer", "sheet's": "date"}
    columns = {}
    for key, value in {"page": 1, "sheet's": "2026-11-01"}.items():
        await store(conninfo, value, key=key)
        columns[key] = (await promote(db, conninfo, tmp_path, key, types[key])).column
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")  # as a load without triggers
        for id in (1, 2):
            connection.execute(
                sql.SQL("UPDATE conversations SET {} = 5, {} = '2026-11-29' WHERE id = %s").format(
                    sql.Identifier(columns["page"]), sql.Identifier(columns["sheet's"])
                ), [id],
            )  # fmt: skip
    await demote(db, conninfo, tmp_path, first)
    assert await scalar(db, f"SELECT {columns[second]} IS NOT NULL FROM conversations WHERE id = 1")
    await demote(db, conninfo, tmp_path, second)
    whole = {"page": 5, "sheet's": "2026-11-29"}
    kept = [row[0] for row in await fetch(db, "SELECT metadata FROM conversations WHERE id <= 3 ORDER BY id")]
    assert kept == [{**whole, "other": [1]}, whole, {"sheet's": "2026-11-01", "other": [1]}]


async def test_a_downgrade_compares_all_keys_before_the_first_column_goes(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    for key in ("page", "sheet"):
        await store(conninfo, 1, key=key)
        await promote(db, conninfo, tmp_path, key, "integer")
    await db.close()
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")  # as a load without triggers
        connection.execute("UPDATE conversations SET key_page = 5, key_sheet = 6 WHERE id = 1")
        connection.execute("SET session_replication_role = origin")
        connection.execute("CREATE TABLE held (modes text[])")
        connection.execute("GRANT INSERT ON held TO PUBLIC")
        connection.execute(
            "CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO held"
            " SELECT array_agg(mode) FROM pg_locks WHERE pid = pg_backend_pid() AND relation IN"
            " ('conversations'::regclass, 'metadata_keys'::regclass); RETURN NULL; END $$"
        )
        connection.execute(
            "CREATE TRIGGER watch AFTER UPDATE ON conversations FOR EACH STATEMENT EXECUTE FUNCTION watch()"
        )
    await asyncio.to_thread(schema.downgrade, conninfo(SUPERUSER), BELOW)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        found = connection.execute("SELECT 'AccessExclusiveLock' = ANY(modes) FROM held").fetchall()
        kept = connection.execute("SELECT metadata FROM conversations WHERE id = 1").fetchall()
    assert found == [(False,)]
    assert kept == [({"page": 5, "sheet": 6, "other": [1]},)]


async def test_people_decide_and_edit_while_a_key_is_promoted(db: Database, conninfo: Conninfo, tmp_path: Path) -> None:
    ids = await imported(db, 40, metadata={"page": 1})
    others = [row[0] for row in await fetch(db, "SELECT id FROM conversations ORDER BY id OFFSET 20")]
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(
            "INSERT INTO conversations (is_seed, metadata)"
            " SELECT true, jsonb_build_object('page', i) FROM generate_series(1, 6000) AS i"
        )
    async with logged_in(conninfo("rita")) as rita, logged_in(conninfo("ron")) as ron:

        async def decide() -> None:
            for one in ids[:20]:
                await reviews.decide(rita, await seen(rita, one), "approve", key=new_key())

        async def edit() -> None:
            for place, one in enumerate(others):
                await metadata.merge(ron, [one], {"page": -100 - place})

        done, _, _ = await asyncio.gather(promote(db, conninfo, tmp_path, "page", "integer"), decide(), edit())
    assert done.state == "promoted"
    assert await scalar(db, "SELECT count(*) FROM conversations WHERE status = 'approved'") == 20
    differing = (
        "SELECT count(*) FROM conversations WHERE key_page IS DISTINCT FROM promoted_integer(metadata -> 'page')"
    )
    assert await scalar(db, differing) == 0
    assert await scalar(db, "SELECT count(*) FROM conversations WHERE key_page <= -100") == 20


def killed(conninfo: str, folder: Path, lines: int) -> None:
    """Runs what waits in the folder, and kills it once it has told so many steps."""
    child = subprocess.Popen([sys.executable, "-c", RUN, conninfo, str(folder)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for _ in range(lines):
        child.stdout.readline()
    child.kill()
    child.wait()
    child.stdout.close()


@pytest.mark.parametrize("back", [False, True], ids=["promote", "demote"])
async def test_one_that_is_killed_again_and_again_comes_to_the_same_end(
    db: Database, conninfo: Conninfo, tmp_path: Path, back: bool
) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(
            "INSERT INTO conversations (is_seed, metadata)"
            " SELECT true, jsonb_build_object('page', i) FROM generate_series(1, 20000) AS i"
        )
    if back:
        await promote(db, conninfo, tmp_path, "page", "integer")
        for each in await workspace_migrations.planned_demotion(db, tmp_path, "page"):
            each.write()
    else:
        await plan(db, tmp_path, "page", "integer")
    before = await fetch(db, SEEN)
    for place in (1, 2, 3):
        await asyncio.to_thread(killed, conninfo(SUPERUSER), tmp_path, place)
    (cut,) = await promotions.every(db)
    assert cut.state in {"filling", "indexing", "promoted", "demoting"}
    if back:
        done = await demote(db, conninfo, tmp_path, "page")
        assert done.state == "demoted" and not column_is_there(conninfo, "key_page")
    else:
        done = await promote(db, conninfo, tmp_path, "page", "integer")
        assert (done.state, done.filled, done.unfitting) == ("promoted", 20_000, 0)
        assert await scalar(db, "SELECT count(*) FROM conversations WHERE key_page = id") == 20_000
    assert await fetch(db, SEEN) == before
    assert len(list(tmp_path.glob("*.py"))) == 1 + back


async def test_an_index_whose_build_was_cut_off_is_built_anew(db: Database, conninfo: Conninfo, tmp_path: Path) -> None:
    await store(conninfo, 1, 2)
    await plan(db, tmp_path, "page", "integer")
    steps = steps_of(Planned("w0001", "page", "key_page", "integer", None, False, "ada"))
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        for statement in (
            "SET ROLE traintui_owner", steps.add, steps.index, "RESET ROLE",
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_conversations_key_page_id'::regclass",
        ):  # fmt: skip
            connection.execute(statement.encode())
    done = await promote(db, conninfo, tmp_path, "page", "integer")
    assert done.state == "promoted"
    assert await scalar(db, "SELECT indisvalid FROM pg_index WHERE indexrelid::regclass::text ~ 'key_page'")


async def test_a_reviewer_cannot_pass_a_change_off_as_a_fill(db: Database, conninfo: Conninfo) -> None:
    (one,) = await imported(db)
    before = await scalar(db, "SELECT updated_at FROM conversations")
    fed = await scalar(db, "SELECT count(*) FROM conversation_changes")
    async with logged_in(conninfo("rita") + " options='-c traintui.filling=on'") as rita:
        assert await scalar(rita, "SELECT current_setting('traintui.filling')") == "on"
        await reviews.decide(rita, await seen(rita, one), "approve", key=new_key())
    assert await scalar(db, "SELECT updated_at FROM conversations") > before
    assert await scalar(db, "SELECT count(*) FROM conversation_changes") > fed


async def test_a_reviewer_cannot_keep_metadata_and_column_apart(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    await store(conninfo, 1)
    await promote(db, conninfo, tmp_path, "page", "integer")
    async with logged_in(conninfo("rita") + " options='-c traintui.filling=on'") as rita:
        await metadata.merge(rita, [1], {"page": 2})
    assert await scalar(db, "SELECT key_page FROM conversations WHERE id = 1") == 2


async def test_who_asks_for_a_column_that_has_just_gone_back_is_told_that_it_passes(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    await store(conninfo, 1)
    await promote(db, conninfo, tmp_path, "page", "integer")
    assert await scalar(db, "SELECT count(key_page) FROM conversations") == 1
    await demote(db, conninfo, tmp_path, "page")
    with pytest.raises(Refused, match="went back from its column") as refused:
        await scalar(db, "SELECT count(key_page) FROM conversations")
    assert refused.value.passing


# What knows it ----------------------------------------------------------------------------------------------------


async def ids_matching(db: Database, wanted: Filter) -> list[int]:
    async with db.read() as connection:
        return list(await connection.scalars(select(C.id).where(wanted.where).order_by(C.id)))


ASKED: dict[str, tuple[list[Any], list[tuple[str, list[int]]]]] = {
    "integer": ([1, 5, 9, None], [("page:5", [2]), ("page>=5", [2, 3]), ("-page>1", [1, 4, 5]), ("page:1..5", [1, 2])]),
    "number": ([1.5, 5, 9, None], [("page:5", [2]), ("page>1.5", [2, 3]), ("page<=5", [1, 2])]),
    "boolean": ([True, False, True, None], [("page:true", [1, 3]), ("-page:true", [2, 4, 5]), ("page:none", [4, 5])]),
    "date": (["2026-01-01", "2026-05-01", "2026-11-29", None],
             [("page:2026-05-01", [2]), ("page>=2026-05-01", [2, 3])]),
    "text": (["web", "two words", "z", None], [("page:web", [1]), ('page:"two words"', [2]), ("page:web,z", [1, 3]),
             ("page:none", [4, 5]), ("page>w", [1, 3])]),
}  # fmt: skip


@pytest.mark.parametrize("value_type", ASKED)
async def test_the_filter_the_table_and_the_dialog_know_a_promoted_key(
    db: Database, conninfo: Conninfo, tmp_path: Path, value_type: str
) -> None:
    values, asked = ASKED[value_type]
    await store(conninfo, *values[:-1])
    await store(conninfo)
    await promote(db, conninfo, tmp_path, "page", value_type)
    (key,) = await metadata.keys(db)
    assert (key.key, key.value_type) == ("page", value_type)
    fields = Fields(await metadata.registered_fields(db))
    field = fields["meta.page"]
    assert field.own == "key_page" and fields["page"] is field and list(fields).count("meta.page") == 1
    live = Live(db, fields)
    await live.load()
    for words, expected in asked:
        for form in (words, words.replace("page", "meta.page", 1)):
            wanted = parse(form, fields=fields)
            assert await ids_matching(db, wanted) == expected, form
            assert wanted.terms[0].field == "meta.page"
            if (listing := live.listing(wanted, NEWEST)) is not None:
                assert sorted(listing.ids(0, 9)) == expected, form
    made = columns_of(fields, dict, lambda row: None, lambda row: None)  # type: ignore[arg-type, return-value]
    assert made["meta.page"].title == "page"
    if field.kind is not Kind.TEXT:
        listing = live.listing(parse(""), Order(field, False))
        assert listing is not None and len(listing.ids(0, 9)) == 5
    if field.is_facet:
        facets = live.facets(parse(""))
        async with db.read() as connection:
            assert facets == await counting.facets(connection, parse(""), fields)
        assert facets is not None and facets["meta.page"] == {"true": 2, "false": 1, None: 2}


async def test_a_vocabulary_is_a_facet_and_takes_what_was_added(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    await store(conninfo, "web", "phone", "web", key="came_from")
    done = await promote(db, conninfo, tmp_path, "came_from", "text", vocabulary=True)
    assert done.listed == (await promotions.columns(db))["came_from"].values == ("phone", "web")
    fields = Fields(await metadata.registered_fields(db))
    live = Live(db, fields)
    await live.load()
    facets = live.facets(parse(""))
    assert facets is not None and facets["meta.came_from"] == {"web": 2, "phone": 1, None: 1}
    assert await ids_matching(db, parse("came_from:phone,none", fields=fields)) == [2, 4]
    with pytest.raises(FilterError, match='no value "wep"'):
        parse("came_from:wep", fields=fields)
    with pytest.raises(Refused, match='"letter" is no value of "came_from", which has phone, web'):
        await metadata.merge(db, [4], {"came_from": "letter"})
    await promotions.add_value(db, "came_from", "letter")
    await metadata.merge(db, [4], {"came_from": "letter"})
    assert await scalar(db, "SELECT key_came_from FROM conversations WHERE id = 4") == "letter"
    for value in range(promotions.MOST_VALUES + 1):
        await store(conninfo, f"v{value}", key="many")
    with pytest.raises(TraintuiError, match="more than 200"):
        await plan(db, tmp_path, "many", "text", vocabulary=True)


async def test_a_value_that_came_before_the_trigger_keeps_nobody_from_editing_other_keys(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    await store(conninfo, "web", key="source")
    await plan(db, tmp_path, "source", "text", vocabulary=True)
    await store(conninfo, "phone", key="source")
    steps = steps_of(Planned("w0001", "source", "key_source", "text", ("web",), False, "ada"))
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(b"SET ROLE traintui_owner")
        connection.execute(steps.add.encode())
    await metadata.merge(db, [3], {"other": "x"})
    for edit in (metadata.merge(db, [3], {"source": "letter"}), metadata.merge(db, [2], {"source": "letter"})):
        with pytest.raises(Refused, match='"letter" is no value of "source"'):
            await edit
    await asyncio.to_thread(workspace_migrations.apply, conninfo(SUPERUSER), tmp_path)
    assert (await promotions.columns(db))["source"].values == ("phone", "web")
    held = await fetch(db, "SELECT key_source, metadata ->> 'other' FROM conversations ORDER BY id")
    assert [tuple(row) for row in held][2] == ("phone", "x")


async def test_a_short_name_that_is_taken_stays_what_it_was(db: Database, conninfo: Conninfo, tmp_path: Path) -> None:
    await store(conninfo, 3, key="score")
    await promote(db, conninfo, tmp_path, "score", "integer")
    fields = Fields(await metadata.registered_fields(db))
    assert parse("score:3", fields=fields).terms[0].field == "score"
    assert await ids_matching(db, parse("meta.score:3", fields=fields)) == [1]
    # A word like a key's that is none is text, as ever.
    assert parse("error_code:5", fields=fields).terms[0].field is None


async def test_the_type_of_a_promoted_key_is_that_of_its_column(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    await metadata.register(db, "page", "integer", label="Page", about="where it stands")
    await store(conninfo, 3)
    with pytest.raises(TraintuiError, match="registered as integer"):
        await plan(db, tmp_path, "page", "number")
    await promote(db, conninfo, tmp_path, "page", "integer")
    for change in (metadata.unregister(db, "page"), metadata.register(db, "page", "number")):
        with pytest.raises(Refused, match="a column of its own") as refused:
            await change
        assert "traintui db demote page first" in refused.value.remedy
    with pytest.raises(TraintuiError, match="has a column"):
        await plan(db, tmp_path, "page", "number")
    await demote(db, conninfo, tmp_path, "page")
    (kept,) = await metadata.keys(db)
    assert (kept.key, kept.label, kept.about) == ("page", "Page", "where it stands")


@pytest.mark.parametrize("by_downgrade", [False, True])
@pytest.mark.parametrize("given", [{"label": "Page"}, {"about": "where it stands"}, {"position": 7}])
async def test_what_a_person_said_of_a_promoted_key_outlives_the_way_back(
    db: Database, conninfo: Conninfo, tmp_path: Path, by_downgrade: bool, given: dict[str, Any]
) -> None:
    await store(conninfo, 3)
    await store(conninfo, 4, key="plain")
    await promote(db, conninfo, tmp_path, "page", "integer")
    await promote(db, conninfo, tmp_path, "plain", "integer")
    await metadata.register(db, "page", "integer", **given)
    before = [key for key in await metadata.keys(db) if key.key == "page"]
    if by_downgrade:
        await asyncio.to_thread(schema.downgrade, conninfo(SUPERUSER), BELOW)
        with psycopg.connect(conninfo(SUPERUSER)) as connection:
            left = connection.execute("SELECT key, label, about, position FROM metadata_keys").fetchall()
        assert left == [(key.key, key.label, key.about, key.position) for key in before]
    else:
        await demote(db, conninfo, tmp_path, "page")
        await demote(db, conninfo, tmp_path, "plain")
        assert list(await metadata.keys(db)) == before


# Beside Traintui's own migrations ---------------------------------------------------------------------------------


async def test_migrations_of_the_workspace_stack_and_stand_beside_ours(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    superuser = conninfo(SUPERUSER)
    await store(conninfo, 1)
    await store(conninfo, "web", key="source")
    before = await fetch(db, SEEN)
    await promote(db, conninfo, tmp_path, "page", "integer")
    await promote(db, conninfo, tmp_path, "source", "text")
    script = ScriptDirectory.from_config(workspace_migrations.config_of(tmp_path))
    assert set(script.get_heads()) == {schema.HEAD, "w0002"}
    assert script.get_revision("workspace@head").down_revision == "w0001"
    assert schema.current_revision(superuser) == schema.HEAD
    assert await scalar(db, "SELECT version_num FROM workspace_version") == "w0002"
    schema.with_alembic(superuser, command.check)
    await db.close()
    schema.upgrade(superuser)
    schema.downgrade(superuser, BELOW)
    assert not column_is_there(conninfo, "key_page") and not column_is_there(conninfo, "key_source")
    schema.upgrade(superuser)
    async with logged_in(conninfo("ada")) as again:
        assert await fetch(again, SEEN) == before
        # The folder has them still, so they come back.
        await asyncio.to_thread(workspace_migrations.apply, superuser, tmp_path)
        assert [each.state for each in await promotions.every(again)] == ["promoted"] * 2


async def test_a_machine_without_the_files_writes_the_same_again(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    await store(conninfo, "web", "phone", key="source")
    await promote(db, conninfo, mine, "source", "text", vocabulary=True)
    await demote(db, conninfo, mine, "source")
    await store(conninfo, 4)
    await promote(db, conninfo, other, "page", "integer")
    written = {path.name: path.read_text() for path in mine.glob("*.py")}
    found = {path.name: path.read_text() for path in other.glob("*.py")}
    assert sorted(found) == [*sorted(written), "w0003_promote_key_page.py"]
    assert {name: found[name] for name in written} == written
    # As many as are like what is made of them; of one that was changed that is told.
    again = await workspace_migrations.planned_promotion(
        db, other, "page", "integer", await promotions.look(db, "page", "integer")
    )
    assert [each.differs for each in again] == ["", "", ""]
    again[0].path.write_text(again[0].text + "import os\n")
    changed, *rest = await workspace_migrations.planned_demotion(db, other, "page")
    assert changed.differs.endswith("\n+import os") and not any(each.differs for each in rest)


@pytest.mark.parametrize("name", ["helper.py", "w0001_another.py", "w0001 helper.py", "w12_helper.py"])
async def test_other_python_in_the_folder_is_refused_before_any_of_it_runs(
    db: Database, conninfo: Conninfo, tmp_path: Path, name: str
) -> None:
    folder, ran = tmp_path / "migrations", tmp_path / "ran"
    await store(conninfo, 1)
    await plan(db, folder, "page", "integer")
    (folder / name).write_text(f"open({str(ran)!r}, 'w')\n")
    with pytest.raises(TraintuiError, match=name):
        await plan(db, folder, "sheet", "integer")
    with pytest.raises(TraintuiError, match="would run with the migrations"):
        await asyncio.to_thread(workspace_migrations.apply, conninfo(SUPERUSER), folder)
    assert not ran.exists() and await promotions.every(db) == ()


async def test_a_key_that_was_taken_back_is_promoted_anew(db: Database, conninfo: Conninfo, tmp_path: Path) -> None:
    await store(conninfo, 1)
    await promote(db, conninfo, tmp_path, "page", "integer")
    await demote(db, conninfo, tmp_path, "page")
    again = await promote(db, conninfo, tmp_path, "page", "number")
    assert (again.revision, again.value_type, again.state) == ("w0003", "number", "promoted")


async def test_only_an_administrator_promotes(conninfo: Conninfo, reviewer_db: Database, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no administrator"):
        await plan(reviewer_db, tmp_path, "page", "integer")


@given(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=100),
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), max_size=4),
)
def test_a_file_says_in_python_what_it_was_given(key: str, values: list[str]) -> None:
    try:
        checked_key(key)
        column = promotions.column_of(key)
    except TraintuiError:
        return
    planned = Planned("w0001", key, column, "text", tuple(values), False, "ada")
    known: dict[str, Any] = {}
    exec(compile(render(planned, "w0001", None, needs="0054"), "migration", "exec"), known)  # noqa: S102
    assert known["STEPS"] == steps_of(planned)
    assert sql.Literal(key).as_string(None) in known["ADD"]


# What the schema says of it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value_type", "vocabulary"), [("text", False), ("text", True), ("date", False)])
async def test_the_check_of_the_schema_knows_what_promoting_makes_and_sees_what_became_of_it(
    db: Database, conninfo: Conninfo, tmp_path: Path, value_type: str, vocabulary: bool
) -> None:
    superuser = conninfo(SUPERUSER)
    await store(conninfo, "2026-11-29", key="Came-From")
    done = await promote(db, conninfo, tmp_path, "Came-From", value_type, vocabulary=vocabulary)
    assert schema_check.check(superuser) == () and schema_check.models_differ(superuser) == []
    with psycopg.connect(superuser) as connection:
        connection.execute(f"ALTER TABLE conversations DISABLE TRIGGER keep_{done.column}".encode())
        connection.execute(f"DROP INDEX ix_conversations_{done.column}_id".encode())
    assert {one.words for one in schema_check.check(superuser)} == {
        f"index ix_conversations_{done.column}_id is missing",
        f"trigger conversations.keep_{done.column} is switched off",
    }
    with psycopg.connect(superuser) as connection:
        connection.execute("UPDATE promotions SET state = 'indexing'")
        connection.execute(f"ALTER TABLE conversations ENABLE TRIGGER keep_{done.column}".encode())
    assert schema_check.check(superuser) == ()
    (under_way,) = promoted_schema.promoted(superuser)
    asked = f"--type {value_type}{' --vocabulary' if vocabulary else ''}"
    assert under_way.words.endswith(f"indexing: run traintui db promote Came-From {asked} to its end")
    await demote(db, conninfo, tmp_path, "Came-From")
    assert schema_check.check(superuser) == ()


async def test_the_history_has_the_migrations_of_the_workspace_by_name_with_who_ran_them(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    superuser = conninfo(SUPERUSER)
    await store(conninfo, 1)
    await promote(db, conninfo, tmp_path, "page", "integer")
    await demote(db, conninfo, tmp_path, "page")
    told = promoted_schema.revisions(promoted_schema.promoted(superuser))
    assert [(one.number, one.what) for one in told] == [
        ("w0001", "The metadata key page becomes the column conversations.key_page (integer)."),
        ("w0002", "The column conversations.key_page goes, and its values stand in metadata under page alone."),
    ]
    noted = [change for change in schema_history.changes(superuser) if change.revision.startswith("w")]
    assert [(one.revision, one.direction, one.by) for one in noted] == [
        ("w0001", "up", SUPERUSER), ("w0002", "up", SUPERUSER),
    ]  # fmt: skip
    for wrong in (schema.upgrade, schema.downgrade, upgrade_plan.plan):
        with pytest.raises(TraintuiError, match="w0001 is none of Traintui's"):
            wrong(superuser, "w0001")
    assert upgrade_plan.plan(superuser) == ()
