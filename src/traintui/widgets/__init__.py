"""Drawn things without a database."""
