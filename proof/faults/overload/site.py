"""What the processes of a measurement are told on their first line: where the shop is, and as whom they speak to it."""

import ssl

import msgspec

from proof.faults.shop import Customer


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A shop that serves. `trust` is the file of the authority that its certificate is from."""

    host: str
    port: int
    trust: str
    customers: list[Customer]

    def tls(self) -> ssl.SSLContext:
        """What a client trusts."""
        return ssl.create_default_context(cafile=self.trust)


class Attack(msgspec.Struct, frozen=True, kw_only=True):
    """The attackers' job. It ends by itself after `seconds`."""

    site: Site
    kind: str
    connections: int
    seconds: float


class Attacked(msgspec.Struct, frozen=True, kw_only=True):
    """What attackers saw: how often they were answered what, and the CPU seconds that they took."""

    answers: dict[str, int]
    cpu_seconds: float


class Burning(msgspec.Struct, frozen=True, kw_only=True):
    """An idle loop's job: `rate` CPU seconds a second, for `seconds`."""

    rate: float
    seconds: float
