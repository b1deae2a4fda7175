"""What is purged while something of it is put aside does not come back."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from data.test_put_aside import MORE, aside, ask, run
from restoring import restore
from traintui.data import schema, schema_check
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.gone_aside import NAME as TRIGGER

NAME = "test_gone_aside"
JUDGED = "SELECT conversation_id FROM judgements ORDER BY 1"
HANGS = f"SELECT count(*) FROM pg_trigger WHERE tgname = '{TRIGGER}'"
IS_MADE = f"SELECT count(*) FROM pg_proc WHERE proname = '{TRIGGER}'"
SECOND = """
SET session_replication_role = replica;
INSERT INTO judgements (conversation_id, is_rehearsal, log_id, logged_at, mean, model, requested_by, revision, run_id,
        scores, spans, spans_dropped, template_id, template_version)
    SELECT c.conversation_id, true, 2, now(), 5, 'claude', 'ada', 1, 1, '{"clarity": 5}', '[{"quote": "Jane Doe"}]', 0,
           template_id, 1 FROM judgements, conversations AS c
    WHERE c.conversation_id <> judgements.conversation_id ORDER BY c.id LIMIT 1;
INSERT INTO import_items (import_id, place, conversation_id, turns, metadata)
    SELECT import_id, 10 + c.id, c.conversation_id, '[{"role": "user", "content": "I am Jane Doe"}]', '{}'
    FROM imports, (SELECT * FROM conversations ORDER BY id LIMIT 2) AS c LIMIT 2;
INSERT INTO plans (name, definition) SELECT 'anew', jsonb_build_object('conversation_id', conversation_id,
    'reason', 'Names Jane Doe', 'note', 'Jane Doe of 4 Elm Street') FROM conversations ORDER BY id LIMIT 2;
UPDATE batches SET plan_id = (SELECT min(id) FROM plans WHERE name = 'anew') WHERE kind = 'regenerate';
UPDATE generation_items SET conversation_id = (SELECT min(id) FROM conversations) WHERE kind = 'regenerate';
"""


@pytest.fixture
def whole(server: EmbeddedServer) -> Iterator[str]:
    """The superuser's connection string to a workspace with something of its conversations in every such table."""
    restore(server, NAME, "0045")
    conninfo = server.conninfo(SUPERUSER, NAME)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(MORE.encode())
        connection.execute(SECOND.encode())
    yield conninfo
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)".encode())


def purge(conninfo: str, id: int) -> None:
    """What a Traintui does at any revision that knows purging."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE conversations SET deleted_at = now() WHERE id = %s", [id])
        connection.execute("DELETE FROM generation_items WHERE conversation_id = %s AND state <> 'done'", [id])
        connection.execute("SET session_replication_role = origin")
        done = connection.execute("SELECT done FROM purge_many(%s, 'purging')", [[id]]).fetchone()
    assert done == (1,)


def of(conninfo: str, statement: str) -> list[object]:
    return [row[0] for row in ask(conninfo, statement)]


def test_what_an_import_that_waits_has_of_a_conversation_that_is_purged_below_does_not_come_back(whole: str) -> None:
    first, second = of(whole, "SELECT conversation_id FROM conversations ORDER BY id LIMIT 2")
    ((id,),) = ask(whole, f"SELECT id FROM conversations WHERE conversation_id = '{first}'")
    others = of(whole, f"SELECT place FROM import_items WHERE conversation_id IS DISTINCT FROM '{first}' ORDER BY 1")
    schema.downgrade(whole, "0031")
    purge(whole, int(str(id)))
    assert of(whole, "SELECT conversation_id FROM put_aside_0032_import_items WHERE conversation_id NOTNULL") == [
        second
    ]
    said: list[str] = []
    schema.upgrade(whole, progress=said.append)
    assert of(whole, "SELECT place FROM import_items ORDER BY 1") == others
    assert aside(whole) == [] and ask(whole, HANGS) == ask(whole, IS_MADE) == [(0,)]
    assert schema_check.check(whole) == ()


def test_what_did_not_fit_and_stayed_aside_goes_with_its_conversation_at_the_newest_revision(whole: str) -> None:
    judged = of(whole, JUDGED)
    schema.downgrade(whole, "0017")
    run(whole, "UPDATE put_aside_0018_judgements SET spans_dropped = NULL")
    run(whole, "ALTER TABLE put_aside_0026_conversation_looks ALTER login DROP NOT NULL")
    run(whole, "UPDATE put_aside_0026_conversation_looks SET login = NULL")
    schema.upgrade(whole)
    assert aside(whole) == ["put_aside_0018_judgements", "put_aside_0026_conversation_looks"]
    assert schema_check.check(whole) == ()
    ((id,),) = ask(whole, f"SELECT id FROM conversations WHERE conversation_id = '{judged[0]}'")
    looks = "SELECT count(*) FROM put_aside_0026_conversation_looks"
    theirs = f"{looks} WHERE conversation_id = {id}"
    ((before,),), ((own,),) = ask(whole, looks), ask(whole, theirs)
    purge(whole, int(str(id)))
    assert of(whole, "SELECT conversation_id FROM put_aside_0018_judgements") == judged[1:]
    assert ask(whole, theirs) == [(0,)] and ask(whole, looks) == [(int(str(before)) - int(str(own)),)]


def test_what_was_said_of_turns_to_be_written_anew_goes_while_the_item_is_aside(whole: str) -> None:
    schema.downgrade(whole, "0026")
    run(whole, "ALTER TABLE put_aside_0027_generation_items ALTER exchanges DROP NOT NULL")
    run(whole, "UPDATE put_aside_0027_generation_items SET exchanges = NULL")
    schema.upgrade(whole)
    assert aside(whole) == ["put_aside_0027_generation_items"]
    ((id,),) = ask(whole, "SELECT min(id) FROM conversations")
    purge(whole, int(str(id)))
    told = "SELECT definition->>'reason', definition->>'note' FROM plans WHERE name = 'anew' ORDER BY id"
    assert ask(whole, told) == [(None, None), ("Names Jane Doe", "Jane Doe of 4 Elm Street")]
    assert ask(whole, "SELECT count(*) FROM put_aside_0027_generation_items") == [(0,)]


def test_who_takes_the_name_of_one_that_was_purged_does_not_get_what_was_said_of_that(whole: str) -> None:
    judged = of(whole, JUDGED)
    schema.downgrade(whole, "0017")
    # As an older Traintui left it, without a trigger.
    run(whole, f"DROP TRIGGER {TRIGGER} ON conversations")
    run(
        whole,
        "SET session_replication_role = replica; INSERT INTO review_logs (conversation_id, action, reviewer_id,"
        " reviewer_role, timestamp, revision, row_hash, xid8)"
        f" VALUES ('{judged[0]}', 'purge', 'ada', 'admin', now(), 1, '', '1')",
    )
    said: list[str] = []
    schema.upgrade(whole, progress=said.append)
    assert of(whole, JUDGED) == judged[1:] and aside(whole) == []
    gone = "went, since what they belong to was removed or changed meanwhile"
    assert f"Put back rows of judgements: {len(judged) - 1}; 1 {gone}" in said


def test_a_table_of_what_stayed_aside_that_its_owner_drops_keeps_nobody_from_purging(whole: str) -> None:
    schema.downgrade(whole, "0031")
    run(whole, "DROP TABLE put_aside_0032_import_items")
    ((id,),) = ask(whole, "SELECT min(id) FROM conversations")
    purge(whole, int(str(id)))
    schema.upgrade(whole)
    assert aside(whole) == [] and ask(whole, HANGS) == ask(whole, IS_MADE) == [(0,)]


def test_of_a_database_that_is_emptied_nothing_is_left_that_follows_a_purge(whole: str) -> None:
    schema.downgrade(whole, "0020")
    assert ask(whole, HANGS) == [(1,)]
    schema.downgrade(whole, "base")
    assert aside(whole) == [] and ask(whole, IS_MADE) == [(0,)]
