-- What stands in the tables by which the database is watched.

COMMENT ON TABLE query_times IS
    'Statements under a label that ended in a span of time: a minute, after two days an hour. Kept for 35 days.';
COMMENT ON COLUMN query_times.span_seconds IS 'How long the span is: 60 or 3600 seconds.';
COMMENT ON COLUMN query_times.begins_at IS 'When it begins (UTC).';
COMMENT ON COLUMN query_times.label IS 'What the statements are for, such as conversations.window.';
COMMENT ON COLUMN query_times.calls IS 'How many there were.';
COMMENT ON COLUMN query_times.errors IS 'How many of them failed.';
COMMENT ON COLUMN query_times.slow IS 'How many of them were slow.';
COMMENT ON COLUMN query_times.row_count IS 'How many rows they returned or changed.';
COMMENT ON COLUMN query_times.total_us IS 'How long they took together, in microseconds.';
COMMENT ON COLUMN query_times.most_us IS 'How long the slowest took, in microseconds.';
COMMENT ON COLUMN query_times.histogram IS 'How many took how long, by the number of a bucket: an object.';

COMMENT ON TABLE query_plans IS
    'A plan that was seen of a statement.';
COMMENT ON COLUMN query_plans.label IS 'What the statement is for.';
COMMENT ON COLUMN query_plans.statement_hash IS 'The hash of the statement.';
COMMENT ON COLUMN query_plans.plan_hash IS 'The hash of what the plan does: another one is another plan.';
COMMENT ON COLUMN query_plans.statement IS 'The statement, without its values.';
COMMENT ON COLUMN query_plans.plan IS 'The plan as EXPLAIN gives it: JSON.';
COMMENT ON COLUMN query_plans.first_seen_at IS 'When it was first seen (UTC).';
COMMENT ON COLUMN query_plans.last_seen_at IS 'When it was last seen (UTC).';

COMMENT ON TABLE slow_queries IS
    'A statement that took long.';
COMMENT ON COLUMN slow_queries.id IS 'Its number.';
COMMENT ON COLUMN slow_queries.at IS 'When it ended (UTC).';
COMMENT ON COLUMN slow_queries.label IS 'What it is for.';
COMMENT ON COLUMN slow_queries.login IS 'The login that ran it.';
COMMENT ON COLUMN slow_queries.duration_us IS 'How long it took, in microseconds.';
COMMENT ON COLUMN slow_queries.row_count IS 'How many rows. Null where it is not known.';
COMMENT ON COLUMN slow_queries.error IS 'What it failed with. Null where it did not.';
COMMENT ON COLUMN slow_queries.statement IS 'The statement, without its values.';
COMMENT ON COLUMN slow_queries.statement_hash IS 'The hash of the statement.';
COMMENT ON COLUMN slow_queries.parameters IS 'Its values, cut short and redacted: an object.';
COMMENT ON COLUMN slow_queries.plan_hash IS 'Its plan in query_plans. Null where none was made.';

COMMENT ON TABLE sampling IS
    'One row: which process takes samples, and until when it may.';
COMMENT ON COLUMN sampling.only_row IS 'Always true: there is one row.';
COMMENT ON COLUMN sampling.holder IS 'The process. Null while none has it.';
COMMENT ON COLUMN sampling.held_until IS 'Until when it may (UTC). Null while none has it.';

COMMENT ON TABLE server_samples IS
    'The server as it stood. Counters are the server''s, since it counts; one that fell began anew.';
COMMENT ON COLUMN server_samples.at IS 'When it was taken (UTC).';
COMMENT ON COLUMN server_samples.server_started_at IS 'When the server began (UTC).';
COMMENT ON COLUMN server_samples.connections IS 'How many connections there were.';
COMMENT ON COLUMN server_samples.max_connections IS 'How many it takes.';
COMMENT ON COLUMN server_samples.active IS 'How many ran a statement.';
COMMENT ON COLUMN server_samples.waiting IS 'How many waited for a lock.';
COMMENT ON COLUMN server_samples.longest_transaction_seconds IS 'How long the oldest transaction was open, in seconds.';
COMMENT ON COLUMN server_samples.commits IS 'Transactions that committed, a counter.';
COMMENT ON COLUMN server_samples.rollbacks IS 'Transactions that rolled back, a counter.';
COMMENT ON COLUMN server_samples.blocks_hit IS 'Blocks found in memory, a counter.';
COMMENT ON COLUMN server_samples.blocks_read IS 'Blocks read, a counter.';
COMMENT ON COLUMN server_samples.rows_written IS 'Rows inserted, updated or deleted, a counter.';
COMMENT ON COLUMN server_samples.temp_bytes IS 'Bytes of temporary files, a counter.';
COMMENT ON COLUMN server_samples.deadlocks IS 'Deadlocks, a counter.';
COMMENT ON COLUMN server_samples.wal_bytes IS 'Bytes of WAL, a counter.';
COMMENT ON COLUMN server_samples.database_bytes IS 'How large the database is, in bytes.';
COMMENT ON COLUMN server_samples.disk_free_bytes IS 'What is free on its disk, in bytes. Null where nobody may see it.';
COMMENT ON COLUMN server_samples.disk_bytes IS 'How large its disk is, in bytes. Null where nobody may see it.';

COMMENT ON TABLE table_samples IS
    'A table as it stood, with all of its partitions.';
COMMENT ON COLUMN table_samples.at IS 'When it was taken (UTC).';
COMMENT ON COLUMN table_samples.table_name IS 'The table.';
COMMENT ON COLUMN table_samples.live_rows IS 'Rows, as the server estimates.';
COMMENT ON COLUMN table_samples.dead_rows IS 'Rows that wait for a vacuum, as the server estimates.';
COMMENT ON COLUMN table_samples.table_bytes IS 'Bytes of its rows.';
COMMENT ON COLUMN table_samples.toast_bytes IS 'Bytes of what is too large for a row.';
COMMENT ON COLUMN table_samples.index_bytes IS 'Bytes of its indexes.';
COMMENT ON COLUMN table_samples.inserted IS 'Rows inserted, a counter.';
COMMENT ON COLUMN table_samples.updated IS 'Rows updated, a counter.';
COMMENT ON COLUMN table_samples.hot_updated IS 'Rows updated without touching an index, a counter.';
COMMENT ON COLUMN table_samples.deleted IS 'Rows deleted, a counter.';
COMMENT ON COLUMN table_samples.whole_scans IS 'How often it was read whole, a counter.';
COMMENT ON COLUMN table_samples.whole_scan_rows IS 'Rows that were read so, a counter.';
COMMENT ON COLUMN table_samples.index_scans IS 'How often it was read through an index, a counter.';
COMMENT ON COLUMN table_samples.vacuumed_at IS 'When it was last vacuumed (UTC). Null where it never was.';
COMMENT ON COLUMN table_samples.analyzed_at IS 'When it was last analyzed (UTC). Null where it never was.';

COMMENT ON TABLE index_samples IS
    'An index as it stood, with all of its parts.';
COMMENT ON COLUMN index_samples.at IS 'When it was taken (UTC).';
COMMENT ON COLUMN index_samples.index_name IS 'The index.';
COMMENT ON COLUMN index_samples.table_name IS 'Its table.';
COMMENT ON COLUMN index_samples.is_valid IS 'Whether the server uses it.';
COMMENT ON COLUMN index_samples.index_bytes IS 'How large it is, in bytes.';
COMMENT ON COLUMN index_samples.entries IS 'How many entries it has, as the server estimates.';
COMMENT ON COLUMN index_samples.file_number IS 'The number of its file, which changes when it is rebuilt.';
COMMENT ON COLUMN index_samples.scans IS 'How often it was used, a counter.';
COMMENT ON COLUMN index_samples.scanned_at IS 'When it was last used (UTC). Null where it never was, or the server does not say.';
COMMENT ON COLUMN index_samples.blocks_hit IS 'Blocks found in memory, a counter.';
COMMENT ON COLUMN index_samples.blocks_read IS 'Blocks read, a counter.';
COMMENT ON COLUMN index_samples.density IS 'How full its leaves are, 0 to 1. Null where nobody may read its file.';

COMMENT ON TABLE monthly_figures IS
    'What a month came to, made once when it was over, so that months can be compared.';
COMMENT ON COLUMN monthly_figures.month IS 'The first day of the month.';
COMMENT ON COLUMN monthly_figures.figures IS 'The figures of its report: an object.';
COMMENT ON COLUMN monthly_figures.made_at IS 'When they were made (UTC).';
COMMENT ON COLUMN monthly_figures.made_by IS 'The login that made them.';

COMMENT ON TABLE query_windows IS
    'Statements under a label in a quarter of an hour, where there were 20 or more. Kept for 35 days.';
COMMENT ON COLUMN query_windows.begins_at IS 'When the quarter of an hour begins (UTC).';
COMMENT ON COLUMN query_windows.label IS 'What the statements are for.';
COMMENT ON COLUMN query_windows.calls IS 'How many there were.';
COMMENT ON COLUMN query_windows.errors IS 'How many of them failed.';
COMMENT ON COLUMN query_windows.p95_us IS 'What 95 of 100 stayed within, in microseconds; 0 where no time is known.';

COMMENT ON TABLE versions_seen IS
    'Each version of Traintui, of the schema and of PostgreSQL that was met at work on this database.';
COMMENT ON COLUMN versions_seen.what IS 'Whose version: traintui, schema or postgresql.';
COMMENT ON COLUMN versions_seen.version IS 'The version.';
COMMENT ON COLUMN versions_seen.first_seen_at IS 'When it was first met (UTC).';
COMMENT ON COLUMN versions_seen.last_seen_at IS 'When it was last met (UTC).';
COMMENT ON COLUMN versions_seen.came_at IS 'When it came last, after another one (UTC): one that is gone back to comes again.';

COMMENT ON TABLE alerts IS
    'What is or was wrong with the database. One that comes back is a new row; kept for 400 days after it cleared.';
COMMENT ON COLUMN alerts.id IS 'Its number.';
COMMENT ON COLUMN alerts.kind IS 'What is wrong, such as slower or plan_changed.';
COMMENT ON COLUMN alerts.subject IS 'What it is about, such as an index or a label; empty where that is the server.';
COMMENT ON COLUMN alerts.severity IS 'urgent or warning.';
COMMENT ON COLUMN alerts.state IS 'open, acknowledged or cleared.';
COMMENT ON COLUMN alerts.says IS 'What it says, with the newest figures.';
COMMENT ON COLUMN alerts.evidence IS 'The newest figures: an object.';
COMMENT ON COLUMN alerts.around IS 'What changed before it opened: an array.';
COMMENT ON COLUMN alerts.opened_at IS 'When it opened (UTC).';
COMMENT ON COLUMN alerts.acknowledged_at IS 'When somebody took it on (UTC). Null where nobody did.';
COMMENT ON COLUMN alerts.acknowledged_by IS 'The login that took it on. Null where nobody did.';
COMMENT ON COLUMN alerts.cleared_at IS 'When it was over (UTC). Null while it is not.';

COMMENT ON TABLE alert_events IS
    'What became of an alert: it opened, was acknowledged, cleared, and what its hook said. It goes with the alert.';
COMMENT ON COLUMN alert_events.id IS 'Its number.';
COMMENT ON COLUMN alert_events.alert_id IS 'The alert.';
COMMENT ON COLUMN alert_events.at IS 'When (UTC); of a hook when it began, then when it ended.';
COMMENT ON COLUMN alert_events.event IS 'opened, acknowledged, hook or cleared.';
COMMENT ON COLUMN alert_events.login IS 'The login that did it, or whose process found it.';
COMMENT ON COLUMN alert_events.said IS 'What the alert said as it opened, or how the hook ended; else empty.';
COMMENT ON COLUMN alert_events.about IS 'What the hook was run for: opened or cleared. Null for all that is no hook.';
COMMENT ON COLUMN alert_events.held_until IS 'Until when the hook may take (UTC). Null for one that ended, and for all that is no hook.';

COMMENT ON TABLE index_actions IS
    'What was done to indexes from within, begun before anything is changed, so that one that was cut off shows.';
COMMENT ON COLUMN index_actions.id IS 'Its number.';
COMMENT ON COLUMN index_actions.kind IS 'rebuild, drop, create or clean.';
COMMENT ON COLUMN index_actions.index_name IS 'The index.';
COMMENT ON COLUMN index_actions.table_name IS 'Its table.';
COMMENT ON COLUMN index_actions.definition IS 'The statement that makes the index as it is.';
COMMENT ON COLUMN index_actions.statement IS 'The statement that was run.';
COMMENT ON COLUMN index_actions.by_itself IS 'Whether the policy of rebuilding did it.';
COMMENT ON COLUMN index_actions.acted_by IS 'The login that did it.';
COMMENT ON COLUMN index_actions.started_at IS 'When it began (UTC).';
COMMENT ON COLUMN index_actions.held_until IS 'Until when its process is known to live (UTC). Null once it ended.';
COMMENT ON COLUMN index_actions.ended_at IS 'When it ended (UTC). Null while it is under way.';
COMMENT ON COLUMN index_actions.state IS 'started, then done or failed.';
COMMENT ON COLUMN index_actions.bytes_before IS 'How large the index was, in bytes. Null where there was none, or it is not known.';
COMMENT ON COLUMN index_actions.bytes_after IS 'How large it was then, in bytes. Null where there is none, or it is not known.';
COMMENT ON COLUMN index_actions.density_before IS 'How full its leaves were, 0 to 1. Null where that is not known.';
COMMENT ON COLUMN index_actions.density_after IS 'How full they were then, 0 to 1. Null where that is not known.';
COMMENT ON COLUMN index_actions.seconds IS 'How long it took. Null while it is under way.';
COMMENT ON COLUMN index_actions.error IS 'Why it failed. Null where it did not.';
COMMENT ON COLUMN index_actions.undoes IS 'The drop that it takes back. Null where it is none of that kind.';
COMMENT ON COLUMN index_actions.undone_by IS 'What took this drop back. Null where nothing did.';

COMMENT ON TABLE session_endings IS
    'Who cancelled whose statement, or ended whose session, in the app. Kept for 400 days.';
COMMENT ON COLUMN session_endings.id IS 'Its number.';
COMMENT ON COLUMN session_endings.at IS 'When (UTC).';
COMMENT ON COLUMN session_endings.ended_by IS 'The login that did it.';
COMMENT ON COLUMN session_endings.kind IS 'cancel (the statement) or end (the session).';
COMMENT ON COLUMN session_endings.pid IS 'The process of the session at the server.';
COMMENT ON COLUMN session_endings.login IS 'Whose session it was.';
COMMENT ON COLUMN session_endings.application IS 'The application that it named.';
COMMENT ON COLUMN session_endings.statement IS 'What it was about, without people''s texts.';

COMMENT ON TABLE schema_history IS
    'Each revision that was applied or taken back here, written in its own transaction. It only grows.';
COMMENT ON COLUMN schema_history.id IS 'Its number; a higher one is newer.';
COMMENT ON COLUMN schema_history.revision IS 'The revision.';
COMMENT ON COLUMN schema_history.direction IS 'up or down.';
COMMENT ON COLUMN schema_history.applied_at IS 'When it was done (UTC).';
COMMENT ON COLUMN schema_history.applied_by IS 'The login that did it.';
COMMENT ON COLUMN schema_history.seconds IS 'How long it took.';
COMMENT ON COLUMN schema_history.app_version IS 'The version of Traintui that did it.';

COMMENT ON TABLE schema_backfills IS
    'Rows that a revision fills afterwards, in batches: up to which key they are filled.';
COMMENT ON COLUMN schema_backfills.name IS 'Its name, unique among all revisions.';
COMMENT ON COLUMN schema_backfills.revision IS 'The revision that asked for it.';
COMMENT ON COLUMN schema_backfills.table_name IS 'The table whose rows are filled.';
COMMENT ON COLUMN schema_backfills.after_key IS 'The highest key that is filled. Null before the first batch.';
COMMENT ON COLUMN schema_backfills.row_count IS 'How many rows are filled.';
COMMENT ON COLUMN schema_backfills.begun_at IS 'When it was begun (UTC).';
COMMENT ON COLUMN schema_backfills.finished_at IS 'When it was finished (UTC). Null while it is not.';

COMMENT ON TABLE alembic_version IS
    'The revision that the schema is at. Alembic keeps it.';
COMMENT ON COLUMN alembic_version.version_num IS 'The revision.';
