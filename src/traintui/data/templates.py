"""Prompt templates, kept by version, and what was made with each version."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from sqlalchemy import insert, select, text, update

from traintui.data.engine import Database
from traintui.data.models import Template
from traintui.data.records import TemplateRecord, TemplateUsage
from traintui.data.refusals import Refused
from traintui.data.storable import storable

Kind = Literal["conversation", "rubric", "regeneration"]
COLUMNS = tuple(getattr(Template, name) for name in TemplateRecord.__slots__)


async def store(
    db: Database, name: str, *, system: str, user_prompt: str, built_in: bool = False, kind: Kind = "conversation"
) -> TemplateRecord:
    """The newest version of a template if it reads like this, else a new version of it, which is active.

    `kind` says whether conversations are written with it, judged (a rubric), or written anew in part. Raises `Refused`
    when one may not, or the name or the text is not one for a template.
    """
    system, user_prompt = storable(system), storable(user_prompt)
    async with db.write() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(7453, 4)"))
        newest = (
            await connection.execute(
                select(*COLUMNS)
                .where(Template.kind == kind, Template.name == name)
                .order_by(Template.version.desc())
                .limit(1)
            )
        ).one_or_none()
        if newest is not None and (newest.system, newest.user_prompt) == (system, user_prompt):
            return TemplateRecord(*newest)
        version = 1 + (newest.version if newest is not None else 0)
        made = await connection.execute(
            insert(Template)
            .values(
                name=storable(name), version=version, system=system, user_prompt=user_prompt, built_in=built_in,
                kind=kind,
            )
            .returning(*COLUMNS)
        )  # fmt: skip
        return TemplateRecord(*made.one())


async def get(db: Database, template_id: int) -> TemplateRecord:
    """A version of a template by its id."""
    async with db.read() as connection:
        return TemplateRecord(*(await connection.execute(select(*COLUMNS).where(Template.id == template_id))).one())


async def versions(db: Database, name: str | None = None, *, kind: Kind = "conversation") -> tuple[TemplateRecord, ...]:
    """Every version of a template, or of all of a kind by name, the newest first. Served by
    `uq_templates_kind_name_version`."""
    statement = select(*COLUMNS).where(Template.kind == kind).order_by(Template.name, Template.version.desc())
    if name is not None:
        statement = statement.where(Template.name == name)
    async with db.read() as connection:
        return tuple(TemplateRecord(*row) for row in await connection.execute(statement))


async def set_active(db: Database, ids: Collection[int], active: bool) -> None:
    """Puts versions into use for new batches, or out of it; batches that were begun keep them.

    Raises `Refused` when one of them is not there, or one may not; nothing is changed then.
    """
    async with db.write() as connection:
        changed = await connection.execute(update(Template).where(Template.id.in_(ids)).values(active=active))
        if changed.rowcount != len(ids):
            raise Refused("Not found", "A version is not there any more.", "Read the templates again.", code="TT002")


USAGE = text("""
    WITH calls AS (
        -- Served by ix_generation_logs_template_id alone: the table, most of which is payloads, is not read. The
        -- estimate of a call that was given up does not count once its late reply is here
        -- (ix_generation_logs_late_reply_to).
        SELECT template_id, conversation_id, count(*) AS calls,
               sum(cost_usd) FILTER (WHERE id NOT IN (
                   SELECT late_reply_to FROM generation_logs WHERE late_reply_to IS NOT NULL)) AS cost_usd,
               count(*) FILTER (WHERE cost_usd IS NULL AND output_tokens > 0) AS unpriced_calls
        FROM generation_logs WHERE template_id IS NOT NULL GROUP BY template_id, conversation_id
        -- What was removed from the log is known by its sums (ix_retired_calls_template_id).
        UNION ALL SELECT template_id, conversation_id, calls, cost_usd, unpriced_calls
        FROM retired_calls WHERE template_id IS NOT NULL
    ), called AS (
        SELECT template_id, conversation_id, sum(calls) AS calls, sum(cost_usd) AS cost_usd,
               sum(unpriced_calls) AS unpriced_calls
        FROM calls GROUP BY template_id, conversation_id
    )
    -- A conversation that was purged still cost what it did.
    SELECT template_id, count(*) FILTER (WHERE status IN ('generated', 'approved', 'rejected')) AS conversations,
           count(quality_score) AS scored, coalesce(sum(quality_score), 0) AS score_sum,
           count(*) FILTER (WHERE status = 'approved') AS approved,
           count(*) FILTER (WHERE status = 'rejected') AS rejected,
           sum(calls)::bigint AS calls, coalesce(sum(called.cost_usd), 0) AS cost_usd,
           sum(unpriced_calls)::bigint AS unpriced_calls
    FROM called LEFT JOIN conversations USING (conversation_id)
    GROUP BY template_id
""")


async def usage(db: Database) -> dict[int, TemplateUsage]:
    """What was made with each version that was used, by its id. Takes a while where there are a million calls."""
    async with db.read() as connection:
        rows = (await connection.execute(USAGE)).mappings()
        return {row["template_id"]: TemplateUsage(**{k: row[k] for k in TemplateUsage.__slots__}) for row in rows}
