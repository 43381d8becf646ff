"""How good what a search finds is, judged by what people meant."""
