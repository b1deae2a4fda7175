DROP TRIGGER feed_dispute ON second_reviews;
DROP FUNCTION feed_dispute();
