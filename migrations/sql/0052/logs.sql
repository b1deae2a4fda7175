-- What stands in the logs of calls and exports, in their seals and in the archive.

COMMENT ON TABLE generation_logs IS
    'One HTTP call to a model. Written before it is sent, completed once; partitioned by week of created_at.';
COMMENT ON COLUMN generation_logs.id IS 'Its number; the key is this with created_at.';
COMMENT ON COLUMN generation_logs.created_at IS 'When it was written, before it was sent (UTC).';
COMMENT ON COLUMN generation_logs.conversation_id IS
    'The public id of the conversation, without a foreign key. Null where it is about none.';
COMMENT ON COLUMN generation_logs.run_id IS 'The batch (batches.id). Null where it is of none.';
COMMENT ON COLUMN generation_logs.item_id IS 'The item of the queue. Null where it is of none.';
COMMENT ON COLUMN generation_logs.fence IS 'The claim of the item. Null where there is none.';
COMMENT ON COLUMN generation_logs.attempt IS 'Which call for the item it is, from 1.';
COMMENT ON COLUMN generation_logs.template_id IS 'The template that asked. Null where none did.';
COMMENT ON COLUMN generation_logs.template_version IS 'The version of the template. Null where there is none.';
COMMENT ON COLUMN generation_logs.worker_id IS 'The worker that sent it. Null where none did.';
COMMENT ON COLUMN generation_logs.kind IS 'generate, judge, count, probe, batch_submit, batch_poll or batch_item.';
COMMENT ON COLUMN generation_logs.state IS 'sending, ok, error, or unknown where nobody knows what became of it.';
COMMENT ON COLUMN generation_logs.requested_by IS 'The login that started the batch.';
COMMENT ON COLUMN generation_logs.sent_by IS 'The login that sent it.';
COMMENT ON COLUMN generation_logs.endpoint IS 'The address, without credentials.';
COMMENT ON COLUMN generation_logs.is_rehearsal IS 'Whether the rehearsal answered.';
COMMENT ON COLUMN generation_logs.model IS 'The model that was asked.';
COMMENT ON COLUMN generation_logs.request_payload IS 'What was sent, redacted. Null where it was erased or purged.';
COMMENT ON COLUMN generation_logs.response_payload IS
    'What came back, redacted. Null where nothing did, or it was erased or purged.';
COMMENT ON COLUMN generation_logs.parameters IS 'The parameters of the call, such as max_tokens.';
COMMENT ON COLUMN generation_logs.cost_usd IS
    'What it cost, in USD; while it is under way what it may cost at most. Null where that is not known.';
COMMENT ON COLUMN generation_logs.cost_is_estimate IS 'Whether the cost is an estimate.';
COMMENT ON COLUMN generation_logs.input_tokens IS 'Input tokens, those of the cache aside. Null until they are known.';
COMMENT ON COLUMN generation_logs.output_tokens IS 'Output tokens. Null until they are known.';
COMMENT ON COLUMN generation_logs.cache_read_tokens IS 'Tokens read from the cache. Null until they are known.';
COMMENT ON COLUMN generation_logs.cache_write_tokens IS 'Tokens written to the cache. Null until they are known.';
COMMENT ON COLUMN generation_logs.duration_ms IS 'How long it took, in milliseconds. Null until it ended.';
COMMENT ON COLUMN generation_logs.http_status IS 'The status of the answer. Null where there was none.';
COMMENT ON COLUMN generation_logs.request_id IS 'The provider''s id of the request. Null where there was none.';
COMMENT ON COLUMN generation_logs.stop_reason IS 'Why the model stopped. Null where it did not answer.';
COMMENT ON COLUMN generation_logs.error_type IS 'What kind of error it was. Null where there was none.';
COMMENT ON COLUMN generation_logs.error_message IS 'What the error said, redacted. Null where there was none, or it was erased.';
COMMENT ON COLUMN generation_logs.late_reply_to IS
    'The row whose reply came after it was given up. Null unless this is such a reply.';
COMMENT ON COLUMN generation_logs.redactions IS 'How often each kind was taken out: an object of numbers.';
COMMENT ON COLUMN generation_logs.request_sha256 IS 'SHA-256 of the request, which stays where the request goes.';
COMMENT ON COLUMN generation_logs.response_sha256 IS
    'SHA-256 of the response, which stays where it goes. Null where there was none.';
COMMENT ON COLUMN generation_logs.finished_at IS 'When it ended (UTC). Null while it is under way.';
COMMENT ON COLUMN generation_logs.hash_version IS 'Which columns the row hash covers.';
COMMENT ON COLUMN generation_logs.row_hash IS 'The hash of the row, which is sealed. Null while it is under way.';
COMMENT ON COLUMN generation_logs.xid8 IS 'The transaction that ended it, in the order of the logs (log_order).';

COMMENT ON TABLE export_logs IS
    'Two rows for each export: started, before the first byte, and how it ended. It only grows.';
COMMENT ON COLUMN export_logs.id IS 'Its number; a higher one is newer.';
COMMENT ON COLUMN export_logs.export_id IS 'The export, which both rows name.';
COMMENT ON COLUMN export_logs.user_id IS 'Who exported: the login of the database session.';
COMMENT ON COLUMN export_logs.conversation_count IS 'How many conversations it holds, or was to hold.';
COMMENT ON COLUMN export_logs.filter_state IS 'The filter and what else chose the conversations: an object.';
COMMENT ON COLUMN export_logs.format IS 'The format of the file.';
COMMENT ON COLUMN export_logs.exported_at IS 'When the row was written (UTC).';
COMMENT ON COLUMN export_logs.metadata IS 'File, options and figures of the export: an object.';
COMMENT ON COLUMN export_logs.state IS 'started, then succeeded, failed or cancelled.';
COMMENT ON COLUMN export_logs.file_sha256 IS 'SHA-256 of the file. Null unless it succeeded.';
COMMENT ON COLUMN export_logs.error_message IS 'Why it failed, redacted. Null where it did not.';
COMMENT ON COLUMN export_logs.hash_version IS 'Which columns the row hash covers.';
COMMENT ON COLUMN export_logs.row_hash IS 'The hash of the row, which is sealed.';
COMMENT ON COLUMN export_logs.xid8 IS 'The transaction that wrote it, in the order of the logs (log_order).';

COMMENT ON TABLE export_rows IS
    'Which conversation, at which revision, left the house in which export. It only grows.';
COMMENT ON COLUMN export_rows.export_id IS 'The export.';
COMMENT ON COLUMN export_rows.conversation_id IS 'The public id of the conversation, without a foreign key.';
COMMENT ON COLUMN export_rows.revision IS 'The revision that the file holds.';

COMMENT ON TABLE exports_under_way IS
    'How far an export is that has not ended. Unlogged.';
COMMENT ON COLUMN exports_under_way.export_id IS 'The export.';
COMMENT ON COLUMN exports_under_way.done IS 'How many conversations are written.';
COMMENT ON COLUMN exports_under_way.total IS 'How many it will hold.';
COMMENT ON COLUMN exports_under_way.lease_until IS 'Until when somebody writes it (UTC); after that nobody does.';

COMMENT ON TABLE log_order IS
    'One row: what makes one order of the logs, on whatever server the workspace is.';
COMMENT ON COLUMN log_order.only_row IS 'Always true: there is one row.';
COMMENT ON COLUMN log_order.workspace_id IS 'Which workspace it is; the chain of seals begins with it.';
COMMENT ON COLUMN log_order.xid_offset IS
    'What is added to the server''s transaction numbers in the logs; 0 until the workspace moves.';
COMMENT ON COLUMN log_order.begins_at IS 'From which number on rows were written by this server; those below may be copies.';
COMMENT ON COLUMN log_order.server_started_at IS
    'When the server began that wrote this row (UTC). Null until a workspace was opened.';
COMMENT ON COLUMN log_order.written_by IS
    'The transaction that wrote this row: another one means that it was copied. Null until a workspace was opened.';

COMMENT ON TABLE audit_seals IS
    'A seal over the rows of the logs since the one before, chained to it. It only grows.';
COMMENT ON COLUMN audit_seals.number IS 'Its number, from 1, without gaps.';
COMMENT ON COLUMN audit_seals.horizon IS 'Up to which transaction it seals, in the order of the logs.';
COMMENT ON COLUMN audit_seals.made_at IS 'When it was made (UTC).';
COMMENT ON COLUMN audit_seals.row_count IS 'How many rows it seals.';
COMMENT ON COLUMN audit_seals.previous_hash IS 'The hash of the seal before; of the first what stands for the workspace.';
COMMENT ON COLUMN audit_seals.hash IS 'The hash of this seal over its parts and previous_hash.';

COMMENT ON TABLE audit_seal_parts IS
    'The rows of one log in a seal, of the generation log those of one week, and the root over their hashes.';
COMMENT ON COLUMN audit_seal_parts.number IS 'The seal.';
COMMENT ON COLUMN audit_seal_parts.place IS 'Its place in the seal, from 1.';
COMMENT ON COLUMN audit_seal_parts.log IS 'Whose rows they are.';
COMMENT ON COLUMN audit_seal_parts.week IS 'The Monday of their week. Null for logs without weeks.';
COMMENT ON COLUMN audit_seal_parts.first_xid8 IS 'The transaction of its first row.';
COMMENT ON COLUMN audit_seal_parts.first_id IS 'The id of its first row.';
COMMENT ON COLUMN audit_seal_parts.last_xid8 IS 'The transaction of its last row.';
COMMENT ON COLUMN audit_seal_parts.last_id IS 'The id of its last row.';
COMMENT ON COLUMN audit_seal_parts.row_count IS 'How many rows.';
COMMENT ON COLUMN audit_seal_parts.root IS 'The Merkle root over their row hashes.';
COMMENT ON COLUMN audit_seal_parts.keys_sha256 IS 'SHA-256 over their transactions and ids.';

COMMENT ON TABLE audit_seal_leaves IS
    'What the root of a part is made of; it names the row that differs.';
COMMENT ON COLUMN audit_seal_leaves.number IS 'The seal.';
COMMENT ON COLUMN audit_seal_leaves.place IS 'The part.';
COMMENT ON COLUMN audit_seal_leaves.keys IS '16 bytes for each row: its transaction and its id.';
COMMENT ON COLUMN audit_seal_leaves.row_hashes IS '32 bytes for each row: its hash.';

COMMENT ON TABLE archive_frames IS
    'The archive: some 200 rows as lines of text under Zstandard. Of a week that is not removed yet it is a copy.';
COMMENT ON COLUMN archive_frames.log IS 'Whose rows they are: generation_logs, export_logs or export_rows.';
COMMENT ON COLUMN archive_frames.week IS 'The Monday of their week; of an export that in which it began.';
COMMENT ON COLUMN archive_frames.place IS 'Its place among the frames of the week, from 1.';
COMMENT ON COLUMN archive_frames.row_count IS 'How many rows.';
COMMENT ON COLUMN archive_frames.payload_count IS 'How many of them have a payload.';
COMMENT ON COLUMN archive_frames.first_xid8 IS 'The transaction of its first row.';
COMMENT ON COLUMN archive_frames.first_id IS 'The id of its first row.';
COMMENT ON COLUMN archive_frames.last_xid8 IS 'The transaction of its last row.';
COMMENT ON COLUMN archive_frames.last_id IS 'The id of its last row.';
COMMENT ON COLUMN archive_frames.first_at IS 'The earliest time in it (UTC). Null where its rows have none.';
COMMENT ON COLUMN archive_frames.last_at IS 'The latest time in it (UTC). Null where its rows have none.';
COMMENT ON COLUMN archive_frames.conversation_ids IS 'The public ids of the conversations in it.';
COMMENT ON COLUMN archive_frames.raw_bytes IS 'How many bytes the lines have, unpacked.';
COMMENT ON COLUMN archive_frames.content IS 'The packed lines.';
COMMENT ON COLUMN archive_frames.sha256 IS 'SHA-256 of the content as it was archived.';
COMMENT ON COLUMN archive_frames.erased_sha256 IS
    'SHA-256 of the content as it stands. Null unless something was erased from it since.';

COMMENT ON TABLE retirements IS
    'What was removed of a log: a week, by whom, and what is left of it. Sealed as the logs are.';
COMMENT ON COLUMN retirements.id IS 'Its number.';
COMMENT ON COLUMN retirements.log IS 'The log: generation_logs or export_logs.';
COMMENT ON COLUMN retirements.week IS 'The Monday of the week.';
COMMENT ON COLUMN retirements.retired_at IS 'When it was removed (UTC).';
COMMENT ON COLUMN retirements.retired_by IS 'The login that removed it.';
COMMENT ON COLUMN retirements.keep_days IS 'How many days rows were kept by the rule then.';
COMMENT ON COLUMN retirements.row_count IS 'How many rows.';
COMMENT ON COLUMN retirements.noted_count IS 'How many rows of export_rows went with them.';
COMMENT ON COLUMN retirements.row_bytes IS 'How many bytes they took.';
COMMENT ON COLUMN retirements.root IS 'The root over the roots of its seal parts; of exports over their row hashes.';
COMMENT ON COLUMN retirements.frame_count IS 'How many frames hold them.';
COMMENT ON COLUMN retirements.archive_bytes IS 'How many bytes the frames have.';
COMMENT ON COLUMN retirements.archive_sha256 IS 'SHA-256 over the digests of the frames.';
COMMENT ON COLUMN retirements.hash_version IS 'Which columns the row hash covers.';
COMMENT ON COLUMN retirements.row_hash IS 'The hash of the row, which is sealed.';
COMMENT ON COLUMN retirements.xid8 IS 'The transaction that wrote it, in the order of the logs (log_order).';
COMMENT ON COLUMN retirements.noted_sha256 IS
    'SHA-256 over what was noted of the exports. Null where there is none, or the hash is of version 1.';
COMMENT ON COLUMN retirements.sums_sha256 IS
    'SHA-256 over retired_calls and retired_sums of the week. Null for exports, and where the hash is below version 3.';

COMMENT ON TABLE retired_calls IS
    'What removed calls came to, for each conversation, batch and template.';
COMMENT ON COLUMN retired_calls.week IS 'The Monday of the week that was removed.';
COMMENT ON COLUMN retired_calls.conversation_id IS 'The public id of the conversation. Null for calls about none.';
COMMENT ON COLUMN retired_calls.run_id IS 'The batch. Null for calls of none.';
COMMENT ON COLUMN retired_calls.template_id IS 'The template. Null for calls of none.';
COMMENT ON COLUMN retired_calls.calls IS 'How many calls.';
COMMENT ON COLUMN retired_calls.cost_usd IS 'What they cost, in USD. Null where no cost is known.';
COMMENT ON COLUMN retired_calls.unpriced_calls IS 'Replies whose cost is not known.';

COMMENT ON TABLE retired_sums IS
    'What removed calls of a batch read from the cache, wrote to it, and were refused for.';
COMMENT ON COLUMN retired_sums.run_id IS 'The batch.';
COMMENT ON COLUMN retired_sums.week IS 'The Monday of the week that was removed.';
COMMENT ON COLUMN retired_sums.model IS 'The model.';
COMMENT ON COLUMN retired_sums.day IS 'The day of the calls (UTC).';
COMMENT ON COLUMN retired_sums.prompt_tokens IS 'The most tokens of a prompt among them, by which the price is chosen.';
COMMENT ON COLUMN retired_sums.category IS 'What they were refused for. Null where they were not.';
COMMENT ON COLUMN retired_sums.read IS 'Tokens read from the cache.';
COMMENT ON COLUMN retired_sums.written IS 'Tokens written to the cache.';
COMMENT ON COLUMN retired_sums.calls IS 'How many calls.';

COMMENT ON TABLE erasures IS
    'Parts of a call that were erased; of each its digest stays. Sealed as the logs are.';
COMMENT ON COLUMN erasures.id IS 'Its number.';
COMMENT ON COLUMN erasures.log IS 'The log: generation_logs.';
COMMENT ON COLUMN erasures.row_id IS 'The row that it was erased from, with row_created_at.';
COMMENT ON COLUMN erasures.row_created_at IS 'When that row was written (UTC).';
COMMENT ON COLUMN erasures.request_sha256 IS 'The digest of the request. Null where it was not erased.';
COMMENT ON COLUMN erasures.response_sha256 IS 'The digest of the response. Null where it was not erased.';
COMMENT ON COLUMN erasures.error_sha256 IS 'The digest of the error''s text. Null where it was not erased.';
COMMENT ON COLUMN erasures.reason IS 'Why it was erased.';
COMMENT ON COLUMN erasures.erased_by IS 'The login that erased it.';
COMMENT ON COLUMN erasures.erased_at IS 'When it was erased (UTC).';
COMMENT ON COLUMN erasures.hash_version IS 'Which columns the row hash covers.';
COMMENT ON COLUMN erasures.row_hash IS 'The hash of the row, which is sealed.';
COMMENT ON COLUMN erasures.xid8 IS 'The transaction that wrote it, in the order of the logs (log_order).';
COMMENT ON COLUMN erasures.call_row_hash IS
    'The hash of the call''s row as it stood. Null for calls in the archive, and where the hash is of version 1.';

COMMENT ON TABLE archive_erasures IS
    'What is still to be taken out of the archive. The row goes once no frame has it.';
COMMENT ON COLUMN archive_erasures.id IS 'Its number.';
COMMENT ON COLUMN archive_erasures.erasure_id IS 'The erasure that names it. Null where it is a purged conversation.';
COMMENT ON COLUMN archive_erasures.conversation_id IS
    'The public id of a conversation that was purged. Null where it is an erasure.';
COMMENT ON COLUMN archive_erasures.asked_at IS 'When it was asked for (UTC).';
COMMENT ON COLUMN archive_erasures.failure IS
    'Why it could not be taken out when it was last tried. Null where it was not tried, or did not fail.';

COMMENT ON TABLE retention_rounds IS
    'One row: whose the daily round of retention is, and what became of the last one.';
COMMENT ON COLUMN retention_rounds.only_one IS 'Always true: there is one row.';
COMMENT ON COLUMN retention_rounds.holder IS 'The process that has the round. Null while none has.';
COMMENT ON COLUMN retention_rounds.taken_by IS 'The login of that process. Null where nobody ever took it.';
COMMENT ON COLUMN retention_rounds.lease_until IS 'Until when it has the round (UTC). Null while nobody has.';
COMMENT ON COLUMN retention_rounds.due_at IS 'When the next one is due (UTC). Null for at once.';
COMMENT ON COLUMN retention_rounds.ended_at IS 'When the last one ended (UTC). Null before the first.';
COMMENT ON COLUMN retention_rounds.removed IS 'How many rows the last one removed. Null before the first.';
COMMENT ON COLUMN retention_rounds.failure IS 'What the last one could not do. Null where it did all.';

COMMENT ON TABLE record_looks IS
    'Each look at the whole record that came to its end, and what it found. It only grows.';
COMMENT ON COLUMN record_looks.id IS 'Its number; a higher one is newer.';
COMMENT ON COLUMN record_looks.looked_at IS 'When it ended (UTC).';
COMMENT ON COLUMN record_looks.looked_by IS 'The login that looked.';
COMMENT ON COLUMN record_looks.rows_looked_at IS 'How many rows it looked at.';
COMMENT ON COLUMN record_looks.newest_seal IS 'The newest seal that it looked at. Null where there was none.';
COMMENT ON COLUMN record_looks.findings IS 'How many findings there were; 0 where all is well.';
COMMENT ON COLUMN record_looks.first_finding IS 'The first of them in words. Null where there was none.';
