"""What a revision of the schema is made of: SQL scripts beside the migrations, one folder for each revision."""

from __future__ import annotations

from alembic import op

from traintui.data.schema import migrations_directory


def run_script(revision: str, name: str) -> None:
    """Runs `migrations/sql/REVISION/NAME.sql` as it stands: no placeholders, no colons read as parameters."""
    script = (migrations_directory() / "sql" / revision / f"{name}.sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
