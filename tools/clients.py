"""`python -m tools.clients`: generate clients of two languages from the OpenAPI document, and compile them.

TypeScript by openapi-typescript and tsc, by npm; Python by openapi-python-client and mypy, by pip. Both are fetched,
in these versions, into a folder that is thrown away.
"""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from tools.document import text
from tools.node import ENVIRON, fetch

_TYPESCRIPT = ("openapi-typescript@7.13.0", "openapi-fetch@0.17.0", "typescript@5.9.3")
_GENERATING = ("--default-non-nullable", "false")
"""A field with a default may be left out of a request."""
_PYTHON = ("openapi-python-client==0.29.1", "mypy==1.18.2")

_USES_TYPESCRIPT = """\
import createClient from "openapi-fetch";
import type { components, operations, paths } from "./schema";

const shop = createClient<paths>({ baseUrl: "https://shop.example" });
const headers = { "X-Cust-Id": "ann" };

export async function buy(): Promise<number> {
  const asked = { params: { header: headers }, body: { productIds: ["emma"] } };
  const { data, error } = await shop.POST("/v1/checkout", asked);
  if (data === undefined) throw new Error(error.code);
  const token: string = data.orderToken;
  const lines: components["schemas"]["CheckoutLine"][] = data.lines;
  return lines.length + token.length;
}

export type Payment = operations["confirmPayment"]["requestBody"]["content"]["application/json"];
"""
_USES_PYTHON = """\
from lingdang_api import AuthenticatedClient
from lingdang_api.api.checkout import create_checkout
from lingdang_api.models import CheckoutAnswer, CheckoutRequest


def buy(client: AuthenticatedClient) -> str:
    answer = create_checkout.sync(client=client, body=CheckoutRequest(product_ids=["emma"]), x_cust_id="ann")
    assert isinstance(answer, CheckoutAnswer)
    return answer.order_token
"""


def main() -> None:
    """Generate and compile; whatever fails ends it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "openapi.json").write_text(text(), encoding="utf-8")
        _typescript(place)
        _python(place)
    print("Clients in TypeScript and Python are generated and compile.")


def _typescript(place: Path) -> None:
    if not fetch(place, *_TYPESCRIPT):
        raise SystemExit(f"npm cannot fetch {', '.join(_TYPESCRIPT)}")
    (place / "use.ts").write_text(_USES_TYPESCRIPT)
    _run(place, "npx", "--no-install", "openapi-typescript", "openapi.json", *_GENERATING, "-o", "schema.d.ts")
    options = ("--strict", "--noEmit", "--module", "nodenext", "--target", "es2022", "--skipLibCheck")
    _run(place, "npx", "--no-install", "tsc", *options, "use.ts", "schema.d.ts")


def _python(place: Path) -> None:
    venv.create(place / "venv", with_pip=True)
    programs = place / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    _run(place, str(programs / "pip"), "install", "--quiet", *_PYTHON)
    (place / "config.yml").write_text("package_name_override: lingdang_api\nproject_name_override: lingdang-api\n")
    generate = ("generate", "--path", "openapi.json", "--config", "config.yml", "--output-path", "client")
    _run(place, str(programs / "openapi-python-client"), *generate, "--fail-on-warning")
    (place / "client" / "use.py").write_text(_USES_PYTHON)
    _run(place / "client", str(programs / "mypy"), "use.py", "lingdang_api")


def _run(place: Path, *command: str) -> None:
    path = f"{Path(command[0]).parent}{os.pathsep}{ENVIRON['PATH']}"  # a program finds those that were fetched with it
    subprocess.run(command, cwd=place, env={**ENVIRON, "PATH": path}, check=True)


if __name__ == "__main__":
    main()
