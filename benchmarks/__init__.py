"""`make bench`: us beside the floor, in one run, as ratios."""
