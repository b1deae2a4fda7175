"""Alembic's environment: it migrates over the connection that it is handed, as the owner of the schema."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql.base import ischema_names

# Their tables belong to the same metadata.
from traintui.data import (  # noqa: F401
    alert_models,
    archive_models,
    assignment_models,
    batch_models,
    bulk_models,
    capability_models,
    coverage_models,
    erasure_models,
    import_models,
    index_action_models,
    judgement_models,
    log_models,
    look_models,
    metadata_models,
    money_models,
    monthly_models,
    promotion_models,
    query_models,
    rate_models,
    reservation_models,
    retention_models,
    sample_models,
    schema_models,
    seal_models,
    search_models,
    second_review_models,
    session_models,
    signature_models,
    submission_models,
    view_models,
)
from traintui.data.models import Base, Xid8
from traintui.data.promotions import is_promoted
from traintui.data.put_aside import PREFIX

ischema_names["xid8"] = Xid8
PARTITIONS = text("SELECT inhrelid::regclass::text FROM pg_inherits")


def include_object(connection: Connection) -> Any:
    """A filter that hides what no model is of: partitions, which a function makes, what a downgrade put aside, and the
    columns of promoted keys, which a workspace's own migrations make."""
    partitions = set(connection.scalars(PARTITIONS))
    connection.rollback()  # Alembic begins and commits transactions only where it finds none

    def include(thing: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any) -> bool:
        owner = name if kind == "table" else getattr(getattr(thing, "table", None), "name", None)
        if owner == "conversations" and name is not None and kind in {"column", "index"} and is_promoted(name):
            return False
        return owner not in partitions and not str(owner).startswith(PREFIX)

    return include


def migrate(connection: Connection) -> None:
    """Runs what was asked for; each revision in a transaction of its own."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_server_default=True,
        transaction_per_migration=True,
        include_object=include_object(connection),
        on_version_apply=context.config.attributes["run"].note,
        # What tables and columns hold is said in the migrations alone; a test holds that none is left out.
        autogenerate_plugins=["alembic.autogenerate.*", "~alembic.autogenerate.comments"],
        version_table=context.config.attributes.get("version_table", "alembic_version"),
    )
    with context.begin_transaction():
        context.run_migrations()


connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("Migrations run through Traintui: traintui db upgrade")
migrate(connection)
