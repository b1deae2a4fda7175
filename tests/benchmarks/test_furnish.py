"""The workspace that benchmarks measure on is one that the app could have made."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from benchmarks.furnish import Furnished, furnish
from benchmarks.invented import Inventor

from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.workspace import quiet

pytestmark = pytest.mark.xdist_group("benchmarks")
ROWS = 300


@pytest.fixture(scope="module")
def furnished() -> Iterator[tuple[Path, Furnished]]:
    with tempfile.TemporaryDirectory(prefix="tf-", dir="/tmp") as directory:
        home = Path(directory)
        home.chmod(0o711)
        yield home, furnish(home, ROWS, say=quiet)


def test_a_furnished_workspace_holds_what_its_logs_and_digests_say(furnished: tuple[Path, Furnished]) -> None:
    home, made = furnished
    assert made.rows == ROWS and made.bytes > 0 and not made.reused
    server = EmbeddedServer(home)
    server.start()
    with psycopg.connect(server.conninfo(SUPERUSER)) as connection:

        def value(query: str) -> object:
            return (connection.execute(query.encode()).fetchone() or (None,))[0]

        assert value("SELECT count(*) FROM conversations WHERE turns_are_whole(id, 2)") == ROWS
        assert value("SELECT count(*) FROM conversation_revisions WHERE content_digest(system_prompt, turns)"
                     " = content_sha256 AND plain_turns(turns) = turns") == ROWS  # fmt: skip
        assert value("SELECT count(*) FROM conversations AS c JOIN conversation_turns AS t ON t.conversation_id = c.id"
                     " JOIN conversation_revisions AS r ON r.conversation_id = c.conversation_id"
                     " WHERE r.turns->(t.turn_number - 1)->>'content' = t.content") == 2 * ROWS  # fmt: skip
        assert value("SELECT count(*) FROM conversations AS c WHERE is_decided(status) AND NOT EXISTS (SELECT"
                     " FROM review_logs AS l WHERE l.id = c.decision_id AND l.status_after = c.status"
                     " AND l.row_hash = review_log_digest(l))") == 0  # fmt: skip
        assert value("SELECT count(*) FROM conversations AS c JOIN generation_logs AS l USING (conversation_id)"
                     " WHERE c.cost_usd IS DISTINCT FROM l.cost_usd") == 0  # fmt: skip
        assert value("SELECT count(*) FROM generation_logs") != 0
        assert value("SELECT sum(spent_usd) FROM spending") == value("SELECT sum(cost_usd) FROM generation_logs")
        assert value("SELECT count(DISTINCT reviewer_id) FROM review_logs") == 1  # one for each block
        connection.execute("INSERT INTO conversations (is_seed) VALUES (true)")  # numbers go on after the last one
        connection.rollback()
    server.stop()


def test_a_furnished_workspace_is_used_again_and_no_other_is_touched(furnished: tuple[Path, Furnished]) -> None:
    home, made = furnished
    again = furnish(home, ROWS, say=quiet)
    assert again.reused and (again.rows, again.bytes) == (made.rows, made.bytes)
    with pytest.raises(SystemExit, match="another directory"):
        furnish(home, ROWS + 1, say=quiet)
    (home / "furnished.json").unlink()
    with pytest.raises(SystemExit, match="no benchmark made"):
        furnish(home, ROWS, say=quiet)


def test_the_same_seed_invents_the_same_conversations_in_any_order_of_blocks() -> None:
    one, other = Inventor(90, 7), Inventor(90, 7)
    last = list(other.block(61, 90))
    assert list(one.block(1, 60))[:1] == list(other.block(1, 60))[:1] and list(one.block(61, 90)) == last
    assert [row.turns for row in Inventor(90, 8).block(61, 90)] != [row.turns for row in last]
