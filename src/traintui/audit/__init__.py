"""What the record needs to be trusted: redaction before anything is stored."""
