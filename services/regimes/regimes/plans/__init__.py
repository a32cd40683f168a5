"""What each servant was to do on each date."""
