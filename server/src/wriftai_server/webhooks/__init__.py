"""Webhooks: what changed with a prediction is posted to the address that its caller gave."""
