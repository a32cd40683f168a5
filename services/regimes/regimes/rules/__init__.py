"""Labour-order rules: the regime that a body itself has approved."""
