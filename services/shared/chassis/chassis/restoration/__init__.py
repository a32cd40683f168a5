"""What is done when a database came back from a backup, or the topics were lost: docs/restore.md."""
