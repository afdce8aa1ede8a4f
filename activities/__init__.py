"""One side effect per file, each safe to run twice."""
