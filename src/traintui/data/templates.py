"""Prompt templates, kept by version."""

from __future__ import annotations

from sqlalchemy import func, insert, select, text

from traintui.data.engine import Database
from traintui.data.models import Template
from traintui.data.records import TemplateRecord

COLUMNS = (Template.id, Template.name, Template.version, Template.system, Template.user_prompt)


async def store(db: Database, name: str, *, system: str, user_prompt: str) -> TemplateRecord:
    """The newest version of a template if it reads like this, else a new version of it.

    Raises `Refused` when one may not.
    """
    async with db.write() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(7453, 4)"))
        newest = (
            await connection.execute(
                select(*COLUMNS).where(Template.name == name).order_by(Template.version.desc()).limit(1)
            )
        ).one_or_none()
        if newest is not None and (newest.system, newest.user_prompt) == (system, user_prompt):
            return TemplateRecord(*newest)
        version = 1 + (await connection.scalar(select(func.max(Template.version)).where(Template.name == name)) or 0)
        made = await connection.execute(
            insert(Template)
            .values(name=name, version=version, system=system, user_prompt=user_prompt)
            .returning(*COLUMNS)
        )
        return TemplateRecord(*made.one())


async def get(db: Database, template_id: int) -> TemplateRecord:
    """A version of a template by its id."""
    async with db.read() as connection:
        return TemplateRecord(*(await connection.execute(select(*COLUMNS).where(Template.id == template_id))).one())
