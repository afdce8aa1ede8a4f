"""Moves the video models of a LiteLLM proxy in: its `model_list` becomes our models file."""
