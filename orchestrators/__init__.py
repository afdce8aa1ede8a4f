"""Deterministic workflows, one per file."""
