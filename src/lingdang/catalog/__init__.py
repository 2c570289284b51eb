"""What is sold: products, prices, search, import."""
