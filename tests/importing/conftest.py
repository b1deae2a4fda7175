"""A profile for long runs by hand: `pytest tests/importing -k any_ --hypothesis-profile=thorough`."""

from hypothesis import settings

settings.register_profile("thorough", max_examples=10_000, deadline=None)
