"""The listening sockets: one for each worker where the system spreads connections over them, else one for all.

On Linux the kernel chooses a socket for each connection (SO_REUSEPORT). With one socket for all, the worker that wakes
first accepts everything that waits: two workers were seen with all of 64 connections on one of them. The sockets are
bound by the supervisor and outlive a crashed worker: what waits in its queue waits for its successor.
"""

import errno
import socket
import sys

from lingdang.commands import CommandError
from lingdang.serving.work import BACKLOG


def listen(host: str, port: int, workers: int) -> list[socket.socket]:
    """A listening socket for each worker. Raises CommandError when the address is taken or not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # The first one is bound alone: sharing must not hide that another server has the port.
        first = socket.create_server((host, port), family=family, backlog=BACKLOG)
        if workers == 1 or sys.platform != "linux":
            listeners = [first] * workers
        else:
            port = first.getsockname()[1]
            first.close()
            listeners = [
                socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=True)
                for _ in range(workers)
            ]
    except OSError as error:
        reason = "the port is taken" if error.errno == errno.EADDRINUSE else error.strerror
        raise CommandError(f"cannot listen on {host} port {port}: {reason}") from None
    for listener in listeners:
        listener.setblocking(False)
        # Connections inherit it. Without it a body that is sent after its head may wait 40 ms for the head's receipt;
        # asyncio sets it only where a socket says that its protocol is TCP, which these do not.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listeners
