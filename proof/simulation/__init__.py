"""A seeded simulation of the whole settlement under injected faults, and the auditor that judges what came of it."""
