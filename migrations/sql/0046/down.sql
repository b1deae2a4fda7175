DROP FUNCTION slowest_statements(timestamptz, timestamptz, integer);
DROP FUNCTION work_between(timestamptz, timestamptz);
DROP FUNCTION note_month(date, jsonb);
DROP TABLE monthly_figures;
