"""A hub as several processes that share an address: `serve --workers N`."""
