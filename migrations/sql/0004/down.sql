SELECT; -- filled by this revision's work
