"""A class's submissions, each judged from outside its own process."""
