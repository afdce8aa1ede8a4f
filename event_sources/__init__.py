"""The triggers that are not HTTP."""
