"""The demo: a generated ministry lives a week, and what the platform says of it is compared with what was planted."""
