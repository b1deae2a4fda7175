-- What stands in the tables of documents and of imports.

COMMENT ON TABLE documents IS
    'A source document. Importing a changed one counts up its revision.';
COMMENT ON COLUMN documents.id IS 'Its number.';
COMMENT ON COLUMN documents.name IS 'What it is called; unique.';
COMMENT ON COLUMN documents.title IS 'Its heading.';
COMMENT ON COLUMN documents.source_path IS 'The file that it was imported from.';
COMMENT ON COLUMN documents.media_type IS 'What the file was, such as text/markdown.';
COMMENT ON COLUMN documents.content IS 'Its whole text.';
COMMENT ON COLUMN documents.content_sha256 IS 'SHA-256 of the text: whether an import changes anything.';
COMMENT ON COLUMN documents.revision IS 'Which text it is, from 1.';
COMMENT ON COLUMN documents.imported_by IS 'The login that imported it first.';
COMMENT ON COLUMN documents.created_at IS 'When it was imported first (UTC).';
COMMENT ON COLUMN documents.updated_at IS 'When its text last changed (UTC).';

COMMENT ON TABLE chunks IS
    'A piece of a document that one conversation can be about. One that a newer revision lacks is retired, not removed.';
COMMENT ON COLUMN chunks.id IS 'Its number.';
COMMENT ON COLUMN chunks.document_id IS 'The document.';
COMMENT ON COLUMN chunks.document_revision IS 'The newest revision of the document that has it.';
COMMENT ON COLUMN chunks.ordinal IS 'Its place in the document.';
COMMENT ON COLUMN chunks.heading IS 'The heading that it stands under.';
COMMENT ON COLUMN chunks.content IS 'Its text.';
COMMENT ON COLUMN chunks.content_sha256 IS 'SHA-256 of its text; unique within the document.';
COMMENT ON COLUMN chunks.token_estimate IS 'About how many tokens it has.';
COMMENT ON COLUMN chunks.retired_at IS 'When a newer revision came that lacks it (UTC). Null where it is in use.';
COMMENT ON COLUMN chunks.created_at IS 'When it was cut (UTC).';

COMMENT ON TABLE imports IS
    'A file of conversations that is, or was, imported. Its rows of the review log have its id as their bulk_id.';
COMMENT ON COLUMN imports.import_id IS 'The id of the import.';
COMMENT ON COLUMN imports.user_id IS 'The login that imports.';
COMMENT ON COLUMN imports.file_name IS 'The name of the file.';
COMMENT ON COLUMN imports.file_path IS 'Where the file was.';
COMMENT ON COLUMN imports.file_sha256 IS 'SHA-256 of the file. Null where it was no file.';
COMMENT ON COLUMN imports.format IS 'What the file was read as.';
COMMENT ON COLUMN imports.options IS 'How it was to be read: mapping and what else was asked for.';
COMMENT ON COLUMN imports.total IS 'How many conversations of the file can be stored.';
COMMENT ON COLUMN imports.bad IS 'How many rows of the file were left out, since something was wrong with them.';
COMMENT ON COLUMN imports.state IS 'loading, approving, done, removing, removed or undone.';
COMMENT ON COLUMN imports.passed IS
    'How many of the conversations were taken up so far: an import that was cut off goes on behind them.';
COMMENT ON COLUMN imports.imported IS 'How many of them were new.';
COMMENT ON COLUMN imports.known IS 'How many were here already, word for word.';
COMMENT ON COLUMN imports.revised IS 'How many became a new revision of one that was here by its id.';
COMMENT ON COLUMN imports.started_at IS 'When it began (UTC).';
COMMENT ON COLUMN imports.ended_at IS 'When it ended (UTC). Null while it has not.';
COMMENT ON COLUMN imports.lease_until IS 'Until when somebody is at it (UTC); after that another may go on.';

COMMENT ON TABLE import_items IS
    'What COPY brings, for the transaction that loads it. No row is ever committed. Unlogged.';
COMMENT ON COLUMN import_items.import_id IS 'The import.';
COMMENT ON COLUMN import_items.place IS 'Its place among the conversations of the file, from 1.';
COMMENT ON COLUMN import_items.line IS 'The line of the file. Null where there are no lines.';
COMMENT ON COLUMN import_items.system_prompt IS 'The system prompt. Null where it has none.';
COMMENT ON COLUMN import_items.turns IS 'The turns: a list of objects with role, content and train.';
COMMENT ON COLUMN import_items.metadata IS 'What becomes metadata: an object.';
COMMENT ON COLUMN import_items.persona IS 'A value of the vocabulary. Null where the file has none.';
COMMENT ON COLUMN import_items.emotion IS 'A value of the vocabulary. Null where the file has none.';
COMMENT ON COLUMN import_items.topic IS 'A value of the vocabulary. Null where the file has none.';
COMMENT ON COLUMN import_items.intent IS 'A value of the vocabulary. Null where the file has none.';
COMMENT ON COLUMN import_items.tone IS 'A value of the vocabulary. Null where the file has none.';
COMMENT ON COLUMN import_items.tier IS 'template, scenario or edge_case. Null where the file has none.';
COMMENT ON COLUMN import_items.quality_score IS 'The score, 0 to 10. Null where it has none.';
COMMENT ON COLUMN import_items.score_parts IS 'What the score is made of. Null where it has none.';
COMMENT ON COLUMN import_items.conversation_id IS 'The public id. Null unless our own format names it.';
COMMENT ON COLUMN import_items.revision IS 'The revision. Null unless our own format names it.';
COMMENT ON COLUMN import_items.status IS 'The status. Null unless our own format names it.';
COMMENT ON COLUMN import_items.document_id IS 'The document. Null where it is not known here.';
COMMENT ON COLUMN import_items.chunk_id IS 'The chunk. Null where it is not known here.';
COMMENT ON COLUMN import_items.model IS 'The model that wrote it. Null where it is not known.';
COMMENT ON COLUMN import_items.is_seed IS 'Whether it was imported there. Null unless our own format says so.';
COMMENT ON COLUMN import_items.is_rehearsal IS 'Whether the rehearsal wrote it. Null unless our own format says so.';
COMMENT ON COLUMN import_items.kept IS
    'What the import row of the log keeps beside, such as the names of document and chunk. Null where there is nothing.';
COMMENT ON COLUMN import_items.decisions IS 'Decisions that come with it. Null where none do.';
COMMENT ON COLUMN import_items.earlier IS 'Earlier revisions that come with it. Null where none do.';
COMMENT ON COLUMN import_items.created_at IS 'When it was made there (UTC). Null where the file does not say.';
