"""Web pages for people with a browser."""
