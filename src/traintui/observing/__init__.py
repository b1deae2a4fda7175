"""The database as it watches itself: how long statements take, what is wrong, and what may be done about it."""
