"""Readers: documents into chunks, training files into conversations."""
