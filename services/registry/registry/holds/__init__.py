"""Legal holds over the data of bodies that are inspected."""
