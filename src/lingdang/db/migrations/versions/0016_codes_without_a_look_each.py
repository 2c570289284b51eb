"""One-time codes of a coupon are stored without a look at the coupon for each of them."""

from lingdang.db.migrations.run import run

revision = "0016"
down_revision = "0015"

SQL = """
-- A reference is looked up for each row that is added. Codes are only added together, by make_codes, which looks the
-- coupon up once and holds it until they are committed; coupons are never deleted, and a code without one is unknown.
ALTER TABLE coupon_code DROP CONSTRAINT coupon_code_coupon_id_fkey;
"""


def upgrade() -> None:
    run(SQL)
