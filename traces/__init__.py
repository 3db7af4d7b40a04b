"""Recording, storing, reading and replaying runs. Usable alone; knows nothing of opto."""
