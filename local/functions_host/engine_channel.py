"""gRPC channels to the Durable engine."""

import grpc

# A local engine that is restarted is back within a second; gRPC would wait up to two minutes. Payloads are unlimited.
_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
)


def open_channel(address: str) -> grpc.aio.Channel:
    """Open a channel that is quickly back when the engine is restarted.

    Args:
        address: The engine's "HOST:PORT".
    """
    return grpc.aio.insecure_channel(address, options=_OPTIONS)
