"""The proof of the labs' checks: programs known to be right or wrong, each judged as a learner's is."""
