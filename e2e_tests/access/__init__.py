"""Who may come in, from the page where people sign in to the answer of an RPC, on the real Keycloak."""
