DROP FUNCTION erase_aside(text, text);
DROP FUNCTION aside_holding(text);
DROP TABLE aside_erasures;
