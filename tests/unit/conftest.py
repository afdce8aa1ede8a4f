"""How the unit tests run."""

from hypothesis import settings

# How long an example takes is the machine's affair, not a property of the code.
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")
