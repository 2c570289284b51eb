"""An app at the stand-in's Google Play."""

from lingdang.topup.providers.google import Account
from proof.standin.google import AUDIENCE, PACKAGE, PUSHER, SUBSCRIPTION, service_account


def account(address: str, **more: object) -> Account:
    """The app's settings, and others in their place."""
    settings = {
        "package_name": PACKAGE,
        "service_account": service_account(address),
        "subscription": SUBSCRIPTION,
        "push_audience": AUDIENCE,
        "push_email": PUSHER,
        "api": address,
        "certificates": f"{address}/certs",
    }
    return Account(**settings | more)  # type: ignore[arg-type]
