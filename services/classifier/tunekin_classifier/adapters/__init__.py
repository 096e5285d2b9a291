"""What the classifier touches of the outside world."""
