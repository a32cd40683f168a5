"""Regimes of single servants that differ from the labour-order rules of their body."""
