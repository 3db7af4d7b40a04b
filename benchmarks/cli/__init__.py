"""`opto bench`: wiring of the commands, one file each or two."""
