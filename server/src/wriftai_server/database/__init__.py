"""Where everything is kept: the schema, its history, and the drivers that run statements."""
