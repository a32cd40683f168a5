"""What every test of the repository may ask for stands in chassis.testing.fixtures."""

pytest_plugins = ["chassis.testing.fixtures"]
