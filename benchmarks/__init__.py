"""Benchmarks: one module for each, run by ``make bench-NAME``.

Each prints a table and writes its figures, by name, to ``benchmarks/out/NAME.json``. Peers run in the same process run,
on the same input, with the same number of threads; one that cannot be installed is reported as absent.
"""
