"""Search: finding models and users by what a person types."""
