"""What every test of the repository may ask for stands in chassis.testing.fixtures.

Property tests draw the same examples every time, and take the time they need; HYPOTHESIS_PROFILE=wide looks further.
"""

import os

from hypothesis import settings

pytest_plugins = ["chassis.testing.fixtures", "chassis.testing.real_stack"]

settings.register_profile("fixed", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("wide", max_examples=2_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
