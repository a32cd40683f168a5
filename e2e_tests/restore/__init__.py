"""A region loses its database under load, and comes back from a backup: `make drill`."""

import os

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")  # processes are started while calls are open: gRPC need not follow them
