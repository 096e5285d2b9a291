"""The demo: a catalogue, somebody who records a song through a bad microphone, and the answer."""
