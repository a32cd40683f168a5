"""Days that are to be computed anew, where they are too many for the transaction of the change."""
