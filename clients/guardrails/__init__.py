"""The chain of checks that the operator asks for: what makes each, and what they look at."""
