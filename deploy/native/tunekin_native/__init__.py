"""Real servers for tests and for a machine without containers: Kafka, MariaDB and Redis as plain processes."""
