"""The featurizer: turns sound into the numbers that moods and similarity are made of."""
