"""What a region costs, by the number of its servants: measured once, and computed from that for any number."""
