"""What the ranker touches of the outside world."""
