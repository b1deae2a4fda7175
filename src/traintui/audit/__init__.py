"""What the record needs to be trusted: redaction before anything is stored, seals after, and a look at all of it."""
