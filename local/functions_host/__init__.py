"""Runs an Azure Functions app without Core Tools, on Microsoft's own Python worker library."""
