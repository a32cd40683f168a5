"""Images of the services: what is in each, how they are built without any network, and how they are tried."""
