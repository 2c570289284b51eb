"""The benchmark for a few seconds, as a user runs it: what `make bench-short` leaves out, and some of what it runs."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_run_of_seconds_is_honest_and_complete(tmp_path: Path) -> None:
    """Without floors: other tests keep the machine busy. `make bench-short` holds the committed ones, alone."""
    only = ("payments", "vouchers", "held", "paced", "pgbench", "statements")
    floors, out = tmp_path / "floors.toml", tmp_path / "out"
    floors.write_text("[goals]\n")
    command = [sys.executable, "-m", "proof.bench", "--short", "--seconds=0.5", "--customers=300", "--scale=1"]
    command += ["--protocol=http", "--protocol=https", *(f"--only={each}" for each in only)]
    command += [f"--floors={floors}", f"--out={out}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "no differences" in done.stdout
    assert "| goal |" in done.stdout
    (kept,) = out.iterdir()
    report = json.loads(kept.read_text())
    assert report["faults"] == []
    assert report["database"]["fsync"] == report["database"]["synchronous_commit"] == "on"
    rates = {window["name"]: window["rate"] for window in report["windows"]}
    once = ("payments-voucher", "payments-paced", "checkouts-hot", "checkouts-20", "checkouts-20x20")
    assert set(rates) == {
        *(f"payments/{protocol}/64" for protocol in ("http", "https")),
        *(f"{kind}/https/64" for kind in once),
        *(f"pgbench/{clients}" for clients in (1, 8, 32)),
    }
    assert all(rate > 0 for rate in rates.values())
    assert len(report["yardsticks"]) == len(report["windows"])
    assert all(seconds > 0 for seconds in report["yardsticks"])
    assert len(report["disk"]) == 1
    assert report["disk"][0] > 0
    assert report["statements"]["transactions"] > 0
