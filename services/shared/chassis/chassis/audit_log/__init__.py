"""The audit once it is written: refused calls join it, seals chain it, checkpoints tell of it outside, and whoever doubts verifies it."""
