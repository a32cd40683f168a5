"""Protected facts (health, family, disability), kept apart and encrypted, and the limits that follow from them for everybody to see."""
