-- Answers that are not to be trained on: few, and an export asks whether there is any before it writes a row, for then
-- all of its rows have a weight.
CREATE INDEX ix_conversation_turns_untrained ON conversation_turns (conversation_id) WHERE NOT train AND role = 'assistant';
