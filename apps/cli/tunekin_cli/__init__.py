"""The command line: the embedded pipeline for one person with a music folder."""
