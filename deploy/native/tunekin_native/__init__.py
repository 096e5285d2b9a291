"""Real servers for tests, and for a machine without containers: Kafka, MariaDB and Redis as plain processes.

Each runs under a folder and on a loopback port of its own, as whoever starts it, and dies with the process that
started it. `deploy/native/install` installs the programs; no service of the system is ever started. `stack` puts
servers and workers together.
"""
