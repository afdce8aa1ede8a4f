"""Durable entities: state that many orchestrations share."""
