"""Where ingest meets the world: processes, servers and stores, one module a technology."""
