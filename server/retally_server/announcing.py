"""A server that says in its log where it listens, also when the port was left to the system (port 0)."""

import socket

import structlog
import uvicorn


class AnnouncingServer(uvicorn.Server):
    """Logs one line `listening` with host and port for every socket."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in getattr(self, "servers", []):
            for each in server.sockets:
                host, port = each.getsockname()[:2]
                structlog.get_logger().info("listening", host=host, port=port)
