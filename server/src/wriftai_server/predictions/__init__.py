"""Predictions: runs of versions, and the queue that they wait in."""
