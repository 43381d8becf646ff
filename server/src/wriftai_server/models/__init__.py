"""Models: what people publish."""
