"""Problems in words turned into solved, checked models."""
