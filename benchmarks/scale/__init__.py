"""How long clips take through Kafka, how that scales, and what it takes of the machine: ``make bench-scale``."""
