"""The embedded server's sizes follow the machine, within bounds."""

from lingdang.db.tuning import configuration


def test_sizes_follow_the_machine_within_bounds() -> None:
    small = configuration(256 * 2**20, 2 * 2**30, "")
    assert "shared_buffers = 64MB" in small
    assert "max_wal_size = 512MB" in small
    large = configuration(512 * 2**30, 10 * 2**40, "")
    assert "shared_buffers = 2048MB" in large
    assert "max_wal_size = 4096MB" in large
