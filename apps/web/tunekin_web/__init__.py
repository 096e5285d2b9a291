"""Tunekin in a browser, and as a REST API: ``tunekin serve`` over the pipeline in one process."""
