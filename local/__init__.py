"""The local stack: everything a run needs on one machine. Never deployed."""
