"""Rows of the three logs for `benchmarks.audit`: written through the triggers that stamp them, in as few statements as
may be. They say what rows say, and are about nothing that there is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg

STREAMS = 2
BLOCK = 5_000
"""Rows in a transaction."""

REVIEWS = """
    INSERT INTO review_logs (conversation_id, action, revision, reviewer_notes, reason, decision_key, duration_ms,
                             status_before, status_after, details)
    SELECT 'c-' || n, (ARRAY['flag', 'unflag', 'metadata'])[1 + n %% 3], 1 + n %% 4, repeat('Ein Wort zu viel. ', 5),
           (ARRAY['Unnatural', 'Wrong fact', NULL])[1 + n %% 3], gen_random_uuid()::text, n %% 60000, 'generated',
           'generated', jsonb_build_object('before', repeat(md5(n::text), 12), 'line', n) FROM
           generate_series(%(first)s::bigint, %(last)s) AS n
"""
CALLS = """
    INSERT INTO generation_logs (kind, state, requested_by, endpoint, is_rehearsal, model, parameters, request_payload,
                                 response_payload, cost_usd, input_tokens, output_tokens, duration_ms, http_status,
                                 request_id, stop_reason)
    SELECT 'probe', 'ok', 'ada', 'https://api.example.com', false, 'claude-haiku-5-5', '{"max_tokens": 900}',
           jsonb_build_object('messages', repeat(md5(n::text) || E'\\n', 8)),
           jsonb_build_object('content', repeat(md5((n + 1)::text) || ' "said" ', 6)),
           n %% 1000 * 0.000001, n %% 4000, n %% 900, n %% 30000, 200, 'req_' || n, 'end_turn'
    FROM generate_series(%(first)s::bigint, %(last)s) AS n
"""
OLD_CALLS = CALLS.replace("INSERT INTO generation_logs (", "INSERT INTO generation_logs (created_at, ").replace(
    "SELECT 'probe'", "SELECT %(moment)s::timestamptz + n * interval '0.5 s', 'probe'"
)
"""Calls of long ago."""
EXPORTS = """
    INSERT INTO export_logs (export_id, conversation_count, filter_state, format, metadata, state)
    SELECT 'e-' || n, 0, jsonb_build_object('filter', repeat(md5(n::text), 20)), 'trl',
           jsonb_build_object('file', repeat(md5(n::text), 6)), 'failed'
    FROM generate_series(%(first)s::bigint, %(last)s) AS n
"""
SHARES = ((REVIEWS, 0.5), (CALLS, 0.48), (EXPORTS, 0.02))


def add_rows(conninfo: str, rows: int, *, first: int = 1, block: int = BLOCK) -> None:
    """Adds so many rows, half to the review log, most others to the generation log; a kilobyte each, more or less."""
    work = []
    for statement, share in SHARES:
        number = max(1, round(rows * share))
        work += [
            (statement, {"first": first + begin, "last": first + min(begin + block, number) - 1})
            for begin in range(0, number, block)
        ]
    work.sort(key=lambda each: each[1]["first"])  # as they would come: beside each other

    def write(stream: int) -> None:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            for statement, bounds in work[stream::STREAMS]:
                connection.execute(statement.encode(), bounds)

    with ThreadPoolExecutor(STREAMS) as pool:
        list(pool.map(write, range(STREAMS)))


def row_bytes(conninfo: str) -> float:
    """Bytes of a row of the logs, on the average, as the server keeps it, without indexes."""
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(
            "SELECT sum(bytes * number) / sum(number) FROM ("
            " SELECT avg(pg_column_size(l.*)) AS bytes, count(*) AS number FROM review_logs AS l UNION ALL"
            " SELECT avg(pg_column_size(l.*)), count(*) FROM generation_logs AS l UNION ALL"
            " SELECT avg(pg_column_size(l.*)), count(*) FROM export_logs AS l) AS sizes"
        ).fetchone()
    return round(float(row[0]), 0) if row else 0.0
