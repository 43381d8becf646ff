"""What things cost as the catalogue grows, on both databases, beside the floor and the registry of others."""
