"""What every route shares: who is calling, how pages and errors look, and what is noted of each request."""
