"""Training: finds the moods of a catalogue, teaches a network to hear them, and measures what constants stand on."""
