"""What `lingdang serve` says at its start."""

import sys
from pathlib import Path
from typing import NamedTuple

import click
import structlog

from lingdang import __version__
from lingdang.demo import BELLS, CODE, CUSTOMER, PASSWORD
from lingdang.serving.listening import takes_both
from lingdang.serving.tls import Certificate
from lingdang.settings import Settings

_log = structlog.get_logger(__name__)


class Demo(NamedTuple):
    """What a shop has of the demo: the customer whose password is published; or what was there instead of nothing."""

    customer: bool
    in_the_way: str | None = None


class Opening(NamedTuple):
    """How the shop was opened."""

    host: str
    address: str
    certificate: Certificate | None
    workers: int
    demo: bool
    has: Demo

    @property
    def authority(self) -> Path | None:
        return self.certificate.authority if self.certificate else None


def announce(settings: Settings, opening: Opening) -> None:
    """What an operator wants to know at the start, on standard output; what is dangerous in the log as well."""
    kept = "embedded PostgreSQL" if settings.database_url is None else "your PostgreSQL"
    lines = [
        f"Lingdang {__version__}  {opening.address}",
        f"  data       {settings.data_path} ({kept})",
        f"  workers    {opening.workers}",
    ]
    if takes_both(opening.host):
        lines.append("  listens    on all addresses of this machine, IPv6 and IPv4")
    if opening.authority:
        lines.append(f"  authority  {opening.authority} (tell clients to trust it)")
    if opening.certificate is None and not settings.trusted_proxies:
        lines.append(
            "  addresses  behind a proxy all clients have the proxy's, and limits by address take them for one:"
        )
        lines.append("             name the proxy in LINGDANG_TRUSTED_PROXIES")
        _log.warning("one_address_for_all", setting="LINGDANG_TRUSTED_PROXIES")
    if settings.background == "worker":
        lines.append("  background left to `lingdang worker` (LINGDANG_BACKGROUND)")
    lines += _of_topups(settings)
    lines += _of_demo(settings, opening)
    lines.append("  stop       Ctrl-C")
    click.echo("\n".join(lines))


def _of_topups(settings: Settings) -> list[str]:
    """Where real money is taken, and whether bells are to be had for nothing."""
    lines = []
    if settings.topup_providers:
        lines.append(f"  top-ups    through {', '.join(settings.topup_providers)}")
    if settings.sandbox:
        lines.append(
            "  sandbox    on by LINGDANG_SANDBOX: anyone who can sign in gets bells for free. Never run it in public"
        )
        _log.warning("sandbox", by="LINGDANG_SANDBOX")
    return lines


def _of_demo(settings: Settings, opening: Opening) -> list[str]:
    """What is open to everybody, and what there is to try."""
    lines = []
    if settings.demo:
        by = "--demo" if opening.demo else "LINGDANG_DEMO"
        lines.append(f"  demo mode  on by {by}: everybody may use the signing lab. Never run it in public")
        _log.warning("demo_mode", by=by)
    if opening.demo and settings.refund_days:
        lines.append(f"  refunds    for {settings.refund_days} days customers may refund what they have not opened")
    if opening.has.in_the_way:
        lines.append(f"  not filled there are {opening.has.in_the_way} in this shop: --demo fills an empty one only")
    if opening.has.customer:
        known = f"{CUSTOMER}, password {PASSWORD} (known to everybody)"
        lines.append(f"  customer   {known}, {BELLS:,} bells and five vouchers at first;")
        lines.append(f"             code {CODE} for one more")
        _log.warning("demo_customer", customer=CUSTOMER)
    if opening.demo and opening.has.customer:
        trust = f" --ca {opening.authority}" if opening.authority else ""
        asked = " (it asks once about the shop's own certificate)" if opening.authority else ""
        lines.append(f"  open       {opening.address} in a browser{asked}")
        lines.append(f"  top up     {opening.address}/topup: the sandbox plays the payment, no money moves")
        lines.append(f"  try it     {_python()} examples/first_purchase.py --url {opening.address}{trust}")
    return lines


def _python() -> str:
    """The interpreter that has what the example needs, as it is called from here."""
    here = Path(sys.executable)
    return str(here.relative_to(Path.cwd())) if here.is_relative_to(Path.cwd()) else str(here)
