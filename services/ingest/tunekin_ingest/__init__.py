"""Ingest: turns untrusted sound files into samples, and writes the catalogue."""
