"""The gates of the repository, each seen to shut."""
