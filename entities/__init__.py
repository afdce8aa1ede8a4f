"""Durable entities: small shared state with one writer."""
