"""How a video is accepted, whoever asks: a caller over HTTP, an event, a batch."""
