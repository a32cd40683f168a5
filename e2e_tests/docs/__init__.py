"""The pages that people read, held to the code: what a page names is there, what it tells to run is run."""
