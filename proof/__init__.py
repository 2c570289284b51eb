"""What proves the shop: benchmarks, the simulation, faults, attacks and fuzzing. Nothing in `lingdang` knows it."""
