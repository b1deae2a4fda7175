-- What stands in the tables of conversations, of their words, and of what finds them.

COMMENT ON TABLE conversations IS
    'One training example: an optional system prompt and two or more turns, with its dimensions, status and score.';
COMMENT ON COLUMN conversations.id IS 'Our own number, from 1 to 2147483647, since bitmaps hold 32 bits.';
COMMENT ON COLUMN conversations.conversation_id IS 'The public id: unique, never used again. Logs and exports name it.';
COMMENT ON COLUMN conversations.document_id IS
    'The document that it is about. Null where it is about none, as most that were imported.';
COMMENT ON COLUMN conversations.chunk_id IS 'The chunk that it is about. Null where it is about none.';
COMMENT ON COLUMN conversations.persona IS 'Who asks: a value of the vocabulary. Null only for an imported seed.';
COMMENT ON COLUMN conversations.emotion IS 'How the user feels: a value of the vocabulary. Null only for an imported seed.';
COMMENT ON COLUMN conversations.topic IS 'What it is about: a value of the vocabulary. Null only for an imported seed.';
COMMENT ON COLUMN conversations.intent IS 'What the user wants: a value of the vocabulary. Null only for an imported seed.';
COMMENT ON COLUMN conversations.tone IS 'How the assistant speaks: a value of the vocabulary. Null only for an imported seed.';
COMMENT ON COLUMN conversations.tier IS 'template, scenario or edge_case. Null only for an imported seed.';
COMMENT ON COLUMN conversations.status IS 'planned, then generating, then generated, then approved or rejected; or failed.';
COMMENT ON COLUMN conversations.quality_score IS 'The score of its structure, 0 to 10. Null until it is scored.';
COMMENT ON COLUMN conversations.turn_count IS 'How many turns it has; 0 until it is generated.';
COMMENT ON COLUMN conversations.created_at IS 'When it was planned or imported (UTC).';
COMMENT ON COLUMN conversations.updated_at IS 'When it was last changed (UTC).';
COMMENT ON COLUMN conversations.system_prompt IS 'The system prompt. Null where it has none.';
COMMENT ON COLUMN conversations.metadata IS
    'What is known beside the columns: an object of at most 64 kB, keys with a type among it (metadata_keys).';
COMMENT ON COLUMN conversations.revision IS 'Which text it is: from 1, one more with every edit. Decisions and exports name it.';
COMMENT ON COLUMN conversations.decision_id IS
    'The newest decision on it: the id of a row of review_logs. Null until there is one.';
COMMENT ON COLUMN conversations.model IS 'The model that wrote it. Null where none did.';
COMMENT ON COLUMN conversations.is_seed IS 'Whether it was imported, not generated.';
COMMENT ON COLUMN conversations.is_rehearsal IS 'Whether the rehearsal wrote it, so no model did.';
COMMENT ON COLUMN conversations.flagged IS 'Whether somebody flagged it for another look.';
COMMENT ON COLUMN conversations.deleted_at IS 'When it was moved to the trash (UTC). Null where it is not there.';
COMMENT ON COLUMN conversations.score_parts IS
    'What the quality score is made of: a list of parts, each with its name and points.';
COMMENT ON COLUMN conversations.reviewed_at IS 'When it was last approved or rejected (UTC). Null until then.';
COMMENT ON COLUMN conversations.cost_usd IS 'What its calls cost, in USD. Null until a cost is known.';
COMMENT ON COLUMN conversations.judge_score IS
    'The mean of the newest opinion of a judge on this revision, 0 to 10. Null where there is none.';

COMMENT ON TABLE conversation_turns IS
    'One message of a conversation. Turns alternate, user first, and are numbered without gaps.';
COMMENT ON COLUMN conversation_turns.id IS 'Its number in this table.';
COMMENT ON COLUMN conversation_turns.conversation_id IS 'The conversation (conversations.id); the turn goes with it.';
COMMENT ON COLUMN conversation_turns.turn_number IS 'Its place, from 1. Odd ones are the user''s.';
COMMENT ON COLUMN conversation_turns.role IS 'user or assistant.';
COMMENT ON COLUMN conversation_turns.content IS 'What is said: never blank.';
COMMENT ON COLUMN conversation_turns.train IS 'Whether the trainer learns from it. Says nothing for a turn of the user.';
COMMENT ON COLUMN conversation_turns.created_at IS 'When it was stored (UTC).';

COMMENT ON TABLE conversation_revisions IS
    'The text of every revision. It only grows, and outlives the conversation.';
COMMENT ON COLUMN conversation_revisions.conversation_id IS 'The public id of the conversation.';
COMMENT ON COLUMN conversation_revisions.revision IS 'Which revision, from 1.';
COMMENT ON COLUMN conversation_revisions.system_prompt IS 'The system prompt of this revision. Null where it had none.';
COMMENT ON COLUMN conversation_revisions.turns IS 'The turns in their order: a list of objects with role, content and train.';
COMMENT ON COLUMN conversation_revisions.content_sha256 IS
    'SHA-256 of system prompt, turns and train flags: what says the same has the same.';
COMMENT ON COLUMN conversation_revisions.author IS 'The login that wrote it, or had it written.';
COMMENT ON COLUMN conversation_revisions.origin IS 'generated, imported, edited or regenerated.';
COMMENT ON COLUMN conversation_revisions.created_at IS 'When it was written (UTC).';

COMMENT ON TABLE conversation_changes IS
    'Which conversation was changed by which transaction: the feed of the copies in memory. Kept for a day.';
COMMENT ON COLUMN conversation_changes.xid8 IS 'The transaction that changed it, as the server counts.';
COMMENT ON COLUMN conversation_changes.conversation_id IS 'The conversation (conversations.id).';
COMMENT ON COLUMN conversation_changes.changed_at IS 'When it was changed (UTC); pruned by it.';

COMMENT ON TABLE vocabulary IS
    'One value of a dimension. A value never changes and never goes, since exports and seals hold it.';
COMMENT ON COLUMN vocabulary.dimension IS 'persona, emotion, topic, intent, tone or tier.';
COMMENT ON COLUMN vocabulary.value IS 'The value as it is stored: lower-case letters, digits and underscores.';
COMMENT ON COLUMN vocabulary.label IS 'What people read; it may change.';
COMMENT ON COLUMN vocabulary.description IS 'What the value means, for the prompt and for people. Empty where nobody said.';
COMMENT ON COLUMN vocabulary.colour IS 'The name or code of the colour that it is shown in. Null where it has none of its own.';
COMMENT ON COLUMN vocabulary.keywords IS 'Words that suggest this value: a list of texts.';
COMMENT ON COLUMN vocabulary.active IS 'Whether plans and imports may use it.';
COMMENT ON COLUMN vocabulary.position IS 'Its place among the values of the dimension, from 0.';
COMMENT ON COLUMN vocabulary.created_at IS 'When it was added (UTC).';
COMMENT ON COLUMN vocabulary.merged_into IS 'The value that it became. Null unless it was merged.';

COMMENT ON TABLE metadata_keys IS
    'A metadata key whose values have a type, which the database holds.';
COMMENT ON COLUMN metadata_keys.key IS 'The key, as a filter names it after "meta.".';
COMMENT ON COLUMN metadata_keys.value_type IS 'text, integer, number, boolean or date.';
COMMENT ON COLUMN metadata_keys.label IS 'What people read.';
COMMENT ON COLUMN metadata_keys.about IS 'What the key is for. Empty where nobody said.';
COMMENT ON COLUMN metadata_keys.position IS 'Its place among the keys, from 0.';
COMMENT ON COLUMN metadata_keys.created_by IS 'The login that registered it.';
COMMENT ON COLUMN metadata_keys.created_at IS 'When it was registered (UTC).';

COMMENT ON TABLE coverage_targets IS
    'How many conversations a cell of two dimensions should have. Of those that speak of a cell the newest counts.';
COMMENT ON COLUMN coverage_targets.id IS 'Its number; a higher one is newer.';
COMMENT ON COLUMN coverage_targets.first_dimension IS 'The dimension that comes first in the order of dimensions.';
COMMENT ON COLUMN coverage_targets.first_value IS 'The value of the first dimension. Null for each of its values.';
COMMENT ON COLUMN coverage_targets.second_dimension IS 'The other dimension.';
COMMENT ON COLUMN coverage_targets.second_value IS 'The value of the second dimension. Null for each of its values.';
COMMENT ON COLUMN coverage_targets.target IS 'How many conversations, 0 to 1,000,000.';
COMMENT ON COLUMN coverage_targets.set_by IS 'The login that set it.';
COMMENT ON COLUMN coverage_targets.set_at IS 'When it was set (UTC).';

COMMENT ON TABLE saved_views IS
    'A filter with an order and columns, under a name.';
COMMENT ON COLUMN saved_views.id IS 'Its number.';
COMMENT ON COLUMN saved_views.name IS 'What it is called, 1 to 80 characters.';
COMMENT ON COLUMN saved_views.owner IS 'The login whose view it is.';
COMMENT ON COLUMN saved_views.shared IS 'Whether others see it too.';
COMMENT ON COLUMN saved_views.filter IS 'The filter as text.';
COMMENT ON COLUMN saved_views.sort IS 'The column that it is sorted by, with "-" before it for the greatest first.';
COMMENT ON COLUMN saved_views.columns IS 'The columns that are shown, in their order: a list. Empty for the usual ones.';
COMMENT ON COLUMN saved_views.created_at IS 'When it was saved first (UTC).';
COMMENT ON COLUMN saved_views.updated_at IS 'When it was last changed (UTC).';
COMMENT ON COLUMN saved_views.log IS 'What it lists: conversations, generations, reviews or exports.';

COMMENT ON TABLE search_turns IS
    'The words of a turn, or of a piece of a long one, for looking up text.';
COMMENT ON COLUMN search_turns.conversation_id IS 'The conversation (conversations.id).';
COMMENT ON COLUMN search_turns.turn_number IS 'The turn.';
COMMENT ON COLUMN search_turns.piece IS 'The character of the turn at which the piece begins; 0 for the first.';
COMMENT ON COLUMN search_turns.words IS 'Its words, as PostgreSQL looks them up.';

COMMENT ON TABLE search_metadata IS
    'A copy of metadata that is not empty, for looking it up. Apart, so that a decision does not pay for its index.';
COMMENT ON COLUMN search_metadata.conversation_id IS 'The conversation (conversations.id).';
COMMENT ON COLUMN search_metadata.metadata IS 'Its metadata, as it was when it was last made searchable.';

COMMENT ON TABLE search_pending IS
    'What is to be made searchable anew. One conversation may be queued many times.';
COMMENT ON COLUMN search_pending.of_turns IS 'Whether it is the turns; else the metadata.';
COMMENT ON COLUMN search_pending.id IS 'Its place in the queue.';
COMMENT ON COLUMN search_pending.conversation_id IS 'The conversation (conversations.id).';

COMMENT ON TABLE conversation_signatures IS
    'The MinHash of what a revision says, by which conversations that are alike are found.';
COMMENT ON COLUMN conversation_signatures.conversation_id IS 'The conversation (conversations.id).';
COMMENT ON COLUMN conversation_signatures.revision IS 'The revision that was signed.';
COMMENT ON COLUMN conversation_signatures.signature IS '120 numbers of 16 bits: 240 bytes.';

COMMENT ON TABLE conversation_bands IS
    'A part of a signature: conversations that share one may be alike. A trigger keeps it beside the signatures.';
COMMENT ON COLUMN conversation_bands.band IS 'The number of the band and what stands in it, hashed to 32 bits.';
COMMENT ON COLUMN conversation_bands.conversation_id IS 'The conversation (conversations.id).';

COMMENT ON TABLE signature_pending IS
    'Conversations that were imported or edited and are not signed yet. One may be queued many times.';
COMMENT ON COLUMN signature_pending.id IS 'Its place in the queue.';
COMMENT ON COLUMN signature_pending.conversation_id IS 'The conversation (conversations.id).';

COMMENT ON TABLE conversation_looks IS
    'The newest revision of a conversation that a person has had before their eyes.';
COMMENT ON COLUMN conversation_looks.conversation_id IS 'The conversation (conversations.id).';
COMMENT ON COLUMN conversation_looks.login IS 'Who looked.';
COMMENT ON COLUMN conversation_looks.revision IS 'The revision that was seen.';
COMMENT ON COLUMN conversation_looks.looked_at IS 'When it was last seen (UTC).';
