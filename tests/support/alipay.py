"""An app at the stand-in's Alipay."""

from lingdang.topup.providers.alipay import Account
from proof.standin.alipay import APP_ID, SELLER_ID, alipay_pem, app_pem


def account(address: str, **more: object) -> Account:
    """The app's settings, and others in their place."""
    settings = {
        "app_id": APP_ID,
        "seller_id": SELLER_ID,
        "private_key": app_pem(),
        "alipay_public_key": alipay_pem(),
        "gateway": f"{address}/gateway.do",
    }
    return Account(**settings | more)  # type: ignore[arg-type]
