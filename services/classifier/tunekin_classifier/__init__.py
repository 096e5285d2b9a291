"""The classifier: gives every clip and track its mood."""
