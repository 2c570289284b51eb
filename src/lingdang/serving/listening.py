"""The listening sockets: one for each worker where the system spreads connections over them, else one for all.

On Linux the kernel chooses a socket for each connection (SO_REUSEPORT). With one socket for all, the worker that wakes
first accepts everything that waits: two workers were seen with all of 64 connections on one of them. The sockets are
bound by the supervisor and outlive a crashed worker: what waits in its queue waits for its successor.
"""

import errno
import socket
import sys

from lingdang.errors import CommandError
from lingdang.serving.work import BACKLOG

_UNSENT_BYTES = 128 * 1024
"""What the kernel takes of a connection's answers beyond what is under way to its client."""


def listen(host: str, port: int, workers: int) -> list[socket.socket]:
    """A listening socket for each worker. `::` listens on IPv4 as well, where the system can.

    Raises CommandError when the address is taken or not this machine's.
    """
    try:
        # The first one is bound alone: sharing must not hide that another server has the port.
        first = _bound(host, port)
        if workers == 1 or sys.platform != "linux":
            listeners = [first] * workers
        else:
            port = first.getsockname()[1]
            first.close()
            listeners = [_bound(host, port, shared=True) for _ in range(workers)]
    except OSError as error:
        reason = "the port is taken" if error.errno == errno.EADDRINUSE else error.strerror
        raise CommandError(f"cannot listen on {host} port {port}: {reason}") from None
    for listener in listeners:
        listener.setblocking(False)
        # Connections inherit it. Without it a body that is sent after its head may wait 40 ms for the head's receipt;
        # asyncio sets it only where a socket says that its protocol is TCP, which these do not.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            # Answers that nobody takes wait here, where they are counted, and not by megabytes in the kernel.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
    return listeners


def takes_both(host: str) -> bool:
    """Whether this address is that of all interfaces, of IPv6 and IPv4."""
    return ":" in host and not host.strip(":0") and socket.has_dualstack_ipv6()


def _bound(host: str, port: int, *, shared: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server(
        (host, port), family=family, backlog=BACKLOG, reuse_port=shared, dualstack_ipv6=takes_both(host)
    )
