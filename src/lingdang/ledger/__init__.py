"""Step ⑤: the one door to the money."""
