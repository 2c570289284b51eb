"""An app at the stand-in's Apple."""

from lingdang.topup.providers.apple import Account
from proof.standin.apple import APP_ID, BUNDLE_ID, ISSUER_ID, KEY_ID, api_key_pem, chain


def account(address: str | None = None, **more: object) -> Account:
    """The app's settings, and others in their place."""
    settings = {
        "bundle_id": BUNDLE_ID,
        "app_apple_id": APP_ID,
        "root_certificates": chain().root_pem,
        "issuer_id": ISSUER_ID,
        "key_id": KEY_ID,
        "private_key": api_key_pem(),
        "online_checks": False,
        "api": address,
    }
    return Account(**settings | more)  # type: ignore[arg-type]
