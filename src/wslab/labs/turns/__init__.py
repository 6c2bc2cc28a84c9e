"""The turns of each unit: a module `uNN_….py` with the checks, and what they say in `../texts/NN.yml`."""
