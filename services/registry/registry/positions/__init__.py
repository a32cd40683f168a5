"""Positions: the staffing table of a body."""
