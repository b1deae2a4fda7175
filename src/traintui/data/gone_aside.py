"""What is put aside of a conversation goes with it. A trigger does that, since an older Traintui purges below the
revision that put it aside, and knows nothing of it; it goes with the upgrade or downgrade that finds none."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from traintui.data import put_aside
from traintui.data.put_aside import PREFIX, Kept

NAME = f"{PREFIX}goes_too"
"""The trigger on conversations, and its function."""
FUNCTION = """
    CREATE OR REPLACE FUNCTION {name}() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $goes_too$
    BEGIN
    {statements}
        RETURN NULL;
    END
    $goes_too$;
    REVOKE ALL ON FUNCTION {name}() FROM PUBLIC
"""
# The owner may drop a table by hand: nobody is to be kept from purging by that.
TAKE = """
        IF to_regclass('public.{place}') IS NOT NULL THEN
            {along}DELETE FROM {place} AS kept USING gone WHERE {of};
        END IF;
"""
TRIGGER = """
    CREATE TRIGGER {name} AFTER DELETE ON conversations REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION {name}()
"""


def follow(connection: psycopg.Connection[Any]) -> None:
    """From the end of this transaction on what is aside now of a conversation goes with it. Raises `psycopg.Error`."""
    places = put_aside.places(connection)
    aside = [kept for kept in put_aside.every() if kept.of and kept.place in places]
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = %(name)s),"
        " EXISTS (SELECT FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname = %(name)s)",
        {"name": NAME},
    ).fetchone()  # fmt: skip
    hangs, is_made = row or (False, False)
    if aside:
        statements = "".join(map(_take, aside))
        connection.execute(sql.SQL(FUNCTION.format(name=NAME, statements=statements)))
        if not hangs:
            connection.execute(sql.SQL(TRIGGER.format(name=NAME)))
        return
    if hangs:
        connection.execute(sql.SQL("DROP TRIGGER {} ON conversations").format(sql.Identifier(NAME)))
    if is_made:
        connection.execute(sql.SQL("DROP FUNCTION {}()").format(sql.Identifier(NAME)))


def _take(kept: Kept) -> str:
    return TAKE.format(place=kept.place, along=f"{kept.along};\n            " if kept.along else "", of=kept.of)
