"""The ranker: finds the tracks of the catalogue that sound most like a clip."""
