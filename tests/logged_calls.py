"""Calls in the log that differ in everything that is asked for."""

from __future__ import annotations

ROWS = 700
CALLS = f"""
    INSERT INTO templates (name, version, system, user_prompt) VALUES ('calm', 1, '', 'x'), ('calm', 2, '', 'x'),
           ('curt@work', 1, '', 'x');
    INSERT INTO generation_logs (kind, state, requested_by, endpoint, is_rehearsal, model, parameters, request_payload,
                                 cost_usd, input_tokens, output_tokens, duration_ms, http_status, conversation_id,
                                 error_type, error_message, request_id, cost_is_estimate, template_id, template_version)
    SELECT CASE WHEN n % 10 = 0 THEN 'judge' ELSE 'generate' END, CASE WHEN n % 7 = 0 THEN 'error' ELSE 'ok' END,
           CASE WHEN n % 2 = 0 THEN 'ada' ELSE 'arthur' END, 'https://api.example.com', n % 5 = 0,
           CASE n WHEN 3 THEN 'rare' ELSE 'usual' END, '{{}}', '{{}}', n * 0.001, n, 2 * n, n * 100,
           CASE WHEN n % 7 = 0 THEN 529 ELSE 200 END, 'c-' || n % 4, CASE WHEN n % 7 = 0 THEN 'overloaded_error' END,
           CASE WHEN n % 7 = 0 THEN 'The model is busy, 100% of it' END, 'req_' || n, n = 9,
           (SELECT id FROM templates WHERE name = 'calm' AND version = 1 + n % 2), 1 + n % 2
    FROM generate_series(1, {ROWS}) AS n
"""
