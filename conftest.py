"""What every test of the repository may ask for stands in chassis.testing.fixtures.

Property tests draw the same examples every time, and take the time they need; HYPOTHESIS_PROFILE=wide looks further.
"""

import os

from hypothesis import settings

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")  # processes are started while calls are open: gRPC need not follow them

pytest_plugins = ["chassis.testing.fixtures", "chassis.testing.real_stack"]

settings.register_profile("fixed", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("wide", max_examples=2_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
