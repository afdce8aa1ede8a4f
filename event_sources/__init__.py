"""The triggers that are not HTTP: timers and Event Grid."""
