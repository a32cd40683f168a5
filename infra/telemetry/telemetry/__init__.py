"""What operators see of the platform: dashboards and service level objectives as code, and the metrics they are made of."""
