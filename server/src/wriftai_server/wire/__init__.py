"""What is shown of rows: columns to select, and the objects of the client that they become."""
