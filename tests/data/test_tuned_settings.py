"""Settings of a cluster that an administrator made are told from those that it was made with."""

from __future__ import annotations

from pathlib import Path

from homes import HURRIED, furnished_home
from traintui.data import tuned_settings
from traintui.data.embedded import EmbeddedServer


def test_what_an_administrator_set_is_named_and_nothing_that_the_cluster_was_made_with(tmp_path: Path) -> None:
    data = EmbeddedServer(furnished_home(tmp_path / "home")).data
    configuration = data / "postgresql.conf"
    configuration.write_text(configuration.read_text().replace(HURRIED, ""))
    assert tuned_settings.not_taken_over(data) == ()
    with configuration.open("a") as file:
        file.write(
            "max_wal_size = 1GB  # as initdb has it, and we not\nwork_mem 16MB\n#jit = off\nMax_Connections = 60\n"
            "log_line_prefix = 'it''s # %m '\ninclude_dir 'more'\nwork_mem = 64MB\n"
        )
    (data / "postgresql.auto.conf").write_text("# Do not edit\npg_stat_statements.max = '5000'\n")
    assert tuned_settings.not_taken_over(data) == (
        "include_dir = more", "log_line_prefix = 'it''s # %m '", "max_wal_size = 1GB", "pg_stat_statements.max = 5000",
        "work_mem = 64MB",
    )  # fmt: skip
    assert tuned_settings.not_taken_over(data, data) == ()
