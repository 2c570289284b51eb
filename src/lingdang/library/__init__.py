"""Step ⑥: orders, wallets, entitlements and receipts as their owner sees them."""
