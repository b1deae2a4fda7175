"""The demo: a throw-away workspace with sample documents, a vocabulary and the rehearsal for a model."""
