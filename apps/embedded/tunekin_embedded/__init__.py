"""Tunekin in one process, with no servers: the composition root of the command line, the demo and the tests.

The services' handlers are those of the distributed pipeline; only the adapters differ: the bus is in memory, the
catalogue is SQLite, and all state lies in one folder, `tunekin_embedded.home.Home`.
"""
