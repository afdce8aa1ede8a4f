"""The HTTP trigger: an OpenAI-compatible videos API."""
