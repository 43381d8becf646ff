"""Users: the people on the hub, and the tokens that stand for them."""
