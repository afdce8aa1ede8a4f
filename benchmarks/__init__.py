"""How fast and how large the whole local stack is: `python -m benchmarks`. Never deployed."""
