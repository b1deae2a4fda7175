-- What stands in the tables of reviews and of the rules that everybody shares.

COMMENT ON TABLE review_logs IS
    'Everything that a person did to a conversation. It only grows, and outlives the conversation.';
COMMENT ON COLUMN review_logs.id IS 'Its number; a higher one is newer.';
COMMENT ON COLUMN review_logs.conversation_id IS 'The public id of the conversation, without a foreign key.';
COMMENT ON COLUMN review_logs.action IS
    'approve, reject, edit, reopen, flag, unflag, metadata, takeover, delete, restore, purge, undo or import.';
COMMENT ON COLUMN review_logs.reviewer_id IS 'Who did it: the login of the database session.';
COMMENT ON COLUMN review_logs.reviewer_notes IS 'What they wrote, redacted, at most 500 characters. Null where nothing.';
COMMENT ON COLUMN review_logs.timestamp IS 'When it was done (UTC).';
COMMENT ON COLUMN review_logs.revision IS 'The revision that it was done to.';
COMMENT ON COLUMN review_logs.reason IS 'Why it was rejected. Null where none was given.';
COMMENT ON COLUMN review_logs.turn_number IS 'The turn that it is about. Null where it is about none.';
COMMENT ON COLUMN review_logs.undoes IS 'The row that it takes back. Null unless it is an undo.';
COMMENT ON COLUMN review_logs.decision_key IS
    'The key of the press, unique: the same press twice is one decision. Null where there is none.';
COMMENT ON COLUMN review_logs.duration_ms IS
    'How long the conversation was on the screen, in milliseconds. Null where it was not.';
COMMENT ON COLUMN review_logs.reviewer_role IS 'The role of the reviewer then.';
COMMENT ON COLUMN review_logs.status_before IS 'The status before. Null where there was none.';
COMMENT ON COLUMN review_logs.status_after IS 'The status after. Null where there is none.';
COMMENT ON COLUMN review_logs.decision_before IS 'The newest decision before (review_logs.id). Null where there was none.';
COMMENT ON COLUMN review_logs.bulk_id IS 'The bulk action or import that it belongs to. Null for a single one.';
COMMENT ON COLUMN review_logs.content_sha256 IS 'The digest of the text that it is about. Null where it is about none.';
COMMENT ON COLUMN review_logs.details IS 'What else belongs to the action, such as metadata before and after: an object.';
COMMENT ON COLUMN review_logs.hash_version IS 'Which columns the row hash covers.';
COMMENT ON COLUMN review_logs.row_hash IS 'The hash of the row, which is sealed.';
COMMENT ON COLUMN review_logs.xid8 IS 'The transaction that wrote it, in the order of the logs (log_order).';

COMMENT ON TABLE assignments IS
    'A conversation that somebody is to review.';
COMMENT ON COLUMN assignments.conversation_id IS 'The conversation (conversations.id).';
COMMENT ON COLUMN assignments.reviewer_id IS 'Who is to review it.';
COMMENT ON COLUMN assignments.sharing_id IS 'The sharing by which it was given.';
COMMENT ON COLUMN assignments.assigned_by IS 'The login that gave it.';
COMMENT ON COLUMN assignments.assigned_at IS 'When it was given (UTC).';

COMMENT ON TABLE assignment_logs IS
    'How many conversations were given to whom, or taken back. It only grows.';
COMMENT ON COLUMN assignment_logs.id IS 'Its number.';
COMMENT ON COLUMN assignment_logs.sharing_id IS 'The sharing; one of many has several rows.';
COMMENT ON COLUMN assignment_logs.action IS 'assign or take_back.';
COMMENT ON COLUMN assignment_logs.reviewer_id IS 'Whose they became, or were.';
COMMENT ON COLUMN assignment_logs.conversation_count IS 'How many.';
COMMENT ON COLUMN assignment_logs.filter IS 'The filter that named them. Null where none did.';
COMMENT ON COLUMN assignment_logs.assigned_by IS 'The login that did it.';
COMMENT ON COLUMN assignment_logs.assigned_at IS 'When it was done (UTC).';

COMMENT ON TABLE reservations IS
    'A conversation that a window of a person has open, until its lease ends. Unlogged.';
COMMENT ON COLUMN reservations.conversation_id IS 'The conversation (conversations.id).';
COMMENT ON COLUMN reservations.reviewer_id IS 'Who has it open.';
COMMENT ON COLUMN reservations.window_id IS 'Their window.';
COMMENT ON COLUMN reservations.lease_until IS 'Until when, unless the window says so again (UTC).';

COMMENT ON TABLE second_reviews IS
    'A revision that gets several independent decisions.';
COMMENT ON COLUMN second_reviews.conversation_id IS 'The public id of the conversation.';
COMMENT ON COLUMN second_reviews.revision IS 'The revision.';
COMMENT ON COLUMN second_reviews.decisions IS 'How many decisions it gets.';
COMMENT ON COLUMN second_reviews.state IS 'open, disputed (they differ), settled, or ended (it moved on).';
COMMENT ON COLUMN second_reviews.opened_at IS 'When the first was asked for (UTC).';
COMMENT ON COLUMN second_reviews.settled_at IS 'When they agreed, or one was settled on (UTC). Null until then.';

COMMENT ON TABLE bulk_actions IS
    'What was done to many conversations as one. What was done to each stands in the review log under its bulk_id.';
COMMENT ON COLUMN bulk_actions.bulk_id IS 'The id of the action; for an import that of the import.';
COMMENT ON COLUMN bulk_actions.user_id IS 'The login that did it.';
COMMENT ON COLUMN bulk_actions.action IS 'approve, reject, reopen, flag, unflag, delete, restore or import.';
COMMENT ON COLUMN bulk_actions.started_at IS 'When it began (UTC).';
COMMENT ON COLUMN bulk_actions.done IS 'How many conversations it was done to.';
COMMENT ON COLUMN bulk_actions.undone IS 'How many of them are taken back.';
COMMENT ON COLUMN bulk_actions.kept IS 'How many stay, since somebody acted on them meanwhile.';
COMMENT ON COLUMN bulk_actions.newest_log IS 'Its newest row of the review log. Null until there is one.';
COMMENT ON COLUMN bulk_actions.undone_to IS 'Up to which row of the log it was taken back; 0 for none.';

COMMENT ON TABLE workspace_settings IS
    'A rule that everybody shares: reasons, thresholds, budgets, retention. Administrators change it.';
COMMENT ON COLUMN workspace_settings.key IS 'What it is, such as monthly_budget_usd.';
COMMENT ON COLUMN workspace_settings.value IS 'What it is set to.';
COMMENT ON COLUMN workspace_settings.updated_at IS 'When it was set (UTC).';
COMMENT ON COLUMN workspace_settings.updated_by IS 'The login that set it.';

COMMENT ON TABLE workspace_setting_changes IS
    'Who changed which shared rule, from what to what. Triggers write it; it only grows.';
COMMENT ON COLUMN workspace_setting_changes.id IS 'Its number; a higher one is newer.';
COMMENT ON COLUMN workspace_setting_changes.key IS 'The setting, or "metadata." and a key whose type it is.';
COMMENT ON COLUMN workspace_setting_changes.old_value IS 'What it was. Null where it was not set.';
COMMENT ON COLUMN workspace_setting_changes.new_value IS 'What it is. Null where it was taken away.';
COMMENT ON COLUMN workspace_setting_changes.changed_by IS 'The login that changed it.';
COMMENT ON COLUMN workspace_setting_changes.changed_at IS 'When it was changed (UTC).';
