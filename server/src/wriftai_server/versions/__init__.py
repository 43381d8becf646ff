"""Versions: the immutable states of a model."""
