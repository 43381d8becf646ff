"""The WriftAI hub."""
