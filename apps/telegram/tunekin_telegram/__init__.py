"""Tunekin in Telegram: ``tunekin telegram``, over the pipeline in one process or in front of the workers."""
