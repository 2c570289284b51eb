"""Examples of answers for /openapi.json, from one story: Ann buys Emma with a voucher, reads it, and gives it back."""
