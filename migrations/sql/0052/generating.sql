-- What stands in the tables of plans, batches, the queue and judges.

COMMENT ON TABLE plans IS
    'What to generate, as it was written down. Never changed.';
COMMENT ON COLUMN plans.id IS 'Its number.';
COMMENT ON COLUMN plans.name IS 'What it is called.';
COMMENT ON COLUMN plans.definition IS
    'The plan: how many, of which dimensions, from which documents, by which template and model.';
COMMENT ON COLUMN plans.created_by IS 'The login that wrote it.';
COMMENT ON COLUMN plans.created_at IS 'When it was written (UTC).';

COMMENT ON TABLE templates IS
    'A version of a prompt template. A version is never edited, since batches and logs name it.';
COMMENT ON COLUMN templates.id IS 'Its number.';
COMMENT ON COLUMN templates.name IS 'What it is called.';
COMMENT ON COLUMN templates.version IS 'Which version of this name and kind, from 1.';
COMMENT ON COLUMN templates.system IS 'The system part, in Jinja2.';
COMMENT ON COLUMN templates.user_prompt IS 'What is asked, in Jinja2.';
COMMENT ON COLUMN templates.active IS 'Whether new batches may use it.';
COMMENT ON COLUMN templates.created_by IS 'The login that wrote it.';
COMMENT ON COLUMN templates.created_at IS 'When it was written (UTC).';
COMMENT ON COLUMN templates.built_in IS 'Whether Traintui brought it.';
COMMENT ON COLUMN templates.kind IS 'conversation, rubric (for a judge) or regeneration (of turns).';

COMMENT ON TABLE batches IS
    'One run of a plan. Its id is the run_id of the generation log.';
COMMENT ON COLUMN batches.id IS 'Its number.';
COMMENT ON COLUMN batches.plan_id IS 'The plan.';
COMMENT ON COLUMN batches.template_id IS 'The version of the template that asks.';
COMMENT ON COLUMN batches.name IS 'What it is called.';
COMMENT ON COLUMN batches.model IS 'The model that is asked.';
COMMENT ON COLUMN batches.state IS 'queued, running, paused, interrupted, finished or cancelled.';
COMMENT ON COLUMN batches.state_reason IS 'Why it is in this state. Null where there is nothing to say.';
COMMENT ON COLUMN batches.total IS 'How many conversations it has.';
COMMENT ON COLUMN batches.is_rehearsal IS 'Whether the rehearsal writes them.';
COMMENT ON COLUMN batches.budget_usd IS 'What it may cost at most, in USD. Null for no limit of its own.';
COMMENT ON COLUMN batches.requested_by IS 'The login that started it.';
COMMENT ON COLUMN batches.created_at IS 'When it was started (UTC).';
COMMENT ON COLUMN batches.started_at IS 'When its first call was made (UTC). Null until then.';
COMMENT ON COLUMN batches.finished_at IS 'When it ended (UTC). Null until then.';
COMMENT ON COLUMN batches.mode IS 'calls (one by one) or batches (the provider''s Message Batches API).';
COMMENT ON COLUMN batches.priority IS 'Which batch comes first: -1000 to 1000, the highest first.';
COMMENT ON COLUMN batches.kind IS 'generate, judge or regenerate.';
COMMENT ON COLUMN batches.judge_model IS 'The model that gives an opinion on each. Null where none does.';
COMMENT ON COLUMN batches.judge_template_id IS 'The rubric of the judge. Null where there is no judge.';
COMMENT ON COLUMN batches.changed_at IS 'When its state last changed (UTC).';
COMMENT ON COLUMN batches.paused_by IS 'The login that paused it. Null where it is not paused, or a worker paused it.';

COMMENT ON TABLE generation_items IS
    'A place in the queue: one conversation of a batch to be written, judged or written anew in part.';
COMMENT ON COLUMN generation_items.id IS 'Its number, which is its place in the queue.';
COMMENT ON COLUMN generation_items.batch_id IS 'The batch.';
COMMENT ON COLUMN generation_items.conversation_id IS 'The conversation (conversations.id).';
COMMENT ON COLUMN generation_items.state IS 'queued, running, done, failed or cancelled.';
COMMENT ON COLUMN generation_items.exchanges IS 'How many pairs of turns are asked for.';
COMMENT ON COLUMN generation_items.variation IS 'The seed of what is chosen by chance for it.';
COMMENT ON COLUMN generation_items.attempts IS 'How many calls were made for it.';
COMMENT ON COLUMN generation_items.not_before IS 'When it may be tried next (UTC).';
COMMENT ON COLUMN generation_items.fence IS 'Counts claims. A write that names an older one changes nothing.';
COMMENT ON COLUMN generation_items.worker_id IS 'The worker that has it. Null while none has.';
COMMENT ON COLUMN generation_items.last_error IS 'What went wrong last, redacted. Null where nothing did.';
COMMENT ON COLUMN generation_items.finished_at IS 'When it was done or failed (UTC). Null until then.';
COMMENT ON COLUMN generation_items.kind IS 'generate, judge or regenerate.';

COMMENT ON TABLE workers IS
    'A process that generates. It is alive while its lease runs and, on a direct connection, it holds its lock.';
COMMENT ON COLUMN workers.id IS 'Its number.';
COMMENT ON COLUMN workers.login IS 'The login that runs it.';
COMMENT ON COLUMN workers.host IS 'The machine that it runs on.';
COMMENT ON COLUMN workers.pid IS 'Its process id there.';
COMMENT ON COLUMN workers.holds_lock IS 'Whether it holds an advisory lock, by whose absence its death is seen at once.';
COMMENT ON COLUMN workers.lease_until IS 'Until when it counts as alive (UTC).';
COMMENT ON COLUMN workers.started_at IS 'When it began (UTC).';
COMMENT ON COLUMN workers.ended_at IS 'When it ended (UTC). Null while it has not said so.';
COMMENT ON COLUMN workers.endpoint IS 'The address that it asks, without credentials. Null where it is not known.';

COMMENT ON TABLE batch_figures IS
    'What became of the items and calls of a batch, as sums that triggers keep. A figure is the sum of a batch''s rows.';
COMMENT ON COLUMN batch_figures.batch_id IS 'The batch.';
COMMENT ON COLUMN batch_figures.kind IS 'generate, judge or regenerate.';
COMMENT ON COLUMN batch_figures.backend IS 'The connection whose changes are added up here, so that none waits for another.';
COMMENT ON COLUMN batch_figures.queued IS 'Items that wait.';
COMMENT ON COLUMN batch_figures.running IS 'Items under way.';
COMMENT ON COLUMN batch_figures.done IS 'Items that are done.';
COMMENT ON COLUMN batch_figures.failed IS 'Items that failed.';
COMMENT ON COLUMN batch_figures.calls IS 'Calls that ended.';
COMMENT ON COLUMN batch_figures.failed_calls IS 'Calls that ended with an error, or nobody knows how.';
COMMENT ON COLUMN batch_figures.estimated_calls IS 'Calls whose cost is an estimate.';
COMMENT ON COLUMN batch_figures.input_tokens IS 'Input tokens of the calls.';
COMMENT ON COLUMN batch_figures.output_tokens IS 'Output tokens of the calls.';

COMMENT ON TABLE generation_streams IS
    'What a model has written so far of a conversation that somebody watches. Unlogged.';
COMMENT ON COLUMN generation_streams.item_id IS 'The item.';
COMMENT ON COLUMN generation_streams.content IS 'The text so far.';
COMMENT ON COLUMN generation_streams.updated_at IS 'When it last grew (UTC).';
COMMENT ON COLUMN generation_streams.fence IS 'The claim of the item that it is of.';

COMMENT ON TABLE generation_watches IS
    'Whose screen shows a batch, and which of its calls it is shown. Unlogged.';
COMMENT ON COLUMN generation_watches.watcher IS 'The screen.';
COMMENT ON COLUMN generation_watches.batch_id IS 'The batch that it shows.';
COMMENT ON COLUMN generation_watches.watched_until IS 'Until when, unless the screen says so again (UTC).';
COMMENT ON COLUMN generation_watches.item_id IS 'The item that is streamed to it. Null where none is.';
COMMENT ON COLUMN generation_watches.fence IS 'The claim of that item. Null where none is streamed.';

COMMENT ON TABLE presence IS
    'When a person last had the app open.';
COMMENT ON COLUMN presence.login IS 'The person.';
COMMENT ON COLUMN presence.seen_at IS 'When they were last seen (UTC).';

COMMENT ON TABLE batch_submissions IS
    'Requests that went to a provider''s Message Batches API together.';
COMMENT ON COLUMN batch_submissions.id IS 'Its number.';
COMMENT ON COLUMN batch_submissions.batch_id IS 'The batch.';
COMMENT ON COLUMN batch_submissions.key IS
    'Our name for it, which stands in each custom_id: by it a submission whose answer was lost is found again.';
COMMENT ON COLUMN batch_submissions.endpoint IS 'The address, without credentials.';
COMMENT ON COLUMN batch_submissions.provider_id IS 'The provider''s name for it. Null until that is known.';
COMMENT ON COLUMN batch_submissions.state IS 'submitting, in_progress, ended, imported, cancelled, refused or lost.';
COMMENT ON COLUMN batch_submissions.requests IS 'How many requests it has.';
COMMENT ON COLUMN batch_submissions.counts IS 'The provider''s counts at the last look: an object.';
COMMENT ON COLUMN batch_submissions.worker_id IS 'The worker that looks after it. Null while none does.';
COMMENT ON COLUMN batch_submissions.fence IS 'Counts claims. A write that names an older one changes nothing.';
COMMENT ON COLUMN batch_submissions.look_at IS 'When it is looked at next (UTC).';
COMMENT ON COLUMN batch_submissions.looks IS 'How often it was looked at.';
COMMENT ON COLUMN batch_submissions.ruled_out IS 'Ids of the provider that were looked into and are not it.';
COMMENT ON COLUMN batch_submissions.error_message IS 'What went wrong, redacted. Null where nothing did.';
COMMENT ON COLUMN batch_submissions.created_at IS 'When it was made (UTC).';
COMMENT ON COLUMN batch_submissions.expires_at IS 'When the provider gives it up (UTC). Null until that is known.';
COMMENT ON COLUMN batch_submissions.cancelling_at IS 'When the provider was asked to end it (UTC). Null where nobody asked.';
COMMENT ON COLUMN batch_submissions.closed_at IS 'When nothing was left to do (UTC). Null until then.';
COMMENT ON COLUMN batch_submissions.polled_at IS 'When the provider last answered (UTC). Null until then.';
COMMENT ON COLUMN batch_submissions.unwanted_at IS 'When somebody called it off (UTC). Null where nobody did.';
COMMENT ON COLUMN batch_submissions.unwanted_by IS 'The login that called it off. Null where nobody did.';

COMMENT ON TABLE batch_submission_items IS
    'A request of a submission.';
COMMENT ON COLUMN batch_submission_items.submission_id IS 'The submission.';
COMMENT ON COLUMN batch_submission_items.item_id IS 'The item of the queue.';
COMMENT ON COLUMN batch_submission_items.fence IS 'The claim at which it was submitted.';
COMMENT ON COLUMN batch_submission_items.attempt_id IS 'Its row in generation_logs, with attempt_at.';
COMMENT ON COLUMN batch_submission_items.attempt_at IS 'When that row was written (UTC).';
COMMENT ON COLUMN batch_submission_items.settled_at IS 'When its result was stored (UTC). Null until then.';
COMMENT ON COLUMN batch_submission_items.failure IS 'Why it failed. Null where it did not.';

COMMENT ON TABLE judgements IS
    'An opinion of a judge on one revision. The one that counts is the newest of the present revision. It only grows.';
COMMENT ON COLUMN judgements.id IS 'Its number; a higher one is newer.';
COMMENT ON COLUMN judgements.conversation_id IS 'The public id of the conversation, which it outlives.';
COMMENT ON COLUMN judgements.revision IS 'The revision that was judged.';
COMMENT ON COLUMN judgements.model IS 'The model that judged.';
COMMENT ON COLUMN judgements.template_id IS 'The rubric.';
COMMENT ON COLUMN judgements.template_version IS 'The version of the rubric.';
COMMENT ON COLUMN judgements.run_id IS 'The batch.';
COMMENT ON COLUMN judgements.scores IS 'For each criterion of the rubric a score of 0 to 10 and a sentence.';
COMMENT ON COLUMN judgements.mean IS 'The mean of the scores, 0 to 10.';
COMMENT ON COLUMN judgements.spans IS
    'The words that it points at: a list with criterion, turn, start, end (characters) and quote.';
COMMENT ON COLUMN judgements.spans_dropped IS 'How many quotes were not in the text.';
COMMENT ON COLUMN judgements.log_id IS 'Its call in generation_logs, with logged_at.';
COMMENT ON COLUMN judgements.logged_at IS 'When that row was written (UTC).';
COMMENT ON COLUMN judgements.requested_by IS 'The login that started the batch.';
COMMENT ON COLUMN judgements.is_rehearsal IS 'Whether the rehearsal made it up; then it counts in no score.';
COMMENT ON COLUMN judgements.created_at IS 'When it was stored (UTC).';
