"""Plays the parts of Azure that have no emulator, faithfully enough for the real SDKs."""
