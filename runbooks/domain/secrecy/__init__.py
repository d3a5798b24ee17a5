"""Secrets: their values and forms, envelopes, and what keeps them out of what is shown."""
