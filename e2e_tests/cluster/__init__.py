"""The platform in a cluster of one's own, by kind: installed, upgraded, rolled back. Where there is no Docker it says so."""
