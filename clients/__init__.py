"""Adapters with I/O; what they raise are domain errors."""
