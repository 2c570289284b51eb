"""Steps ② and ③: pricing, the composite call, the order token."""
