"""Spans, metrics and logs. The rest of the app writes them; whether anybody reads them, `start` decides."""
