"""What can be said about a conversation without reading it: the structure score."""
