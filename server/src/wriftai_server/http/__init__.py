"""What every route shares: who is calling, how pages and errors look, and what is done to each request."""
