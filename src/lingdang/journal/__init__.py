"""The journal sealed against tampering, and statements of account signed from it."""
