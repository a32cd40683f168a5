"""What devices show of themselves: clocks that are off, event numbers that are missing or used twice, silence, unknown badges."""
