"""A learner's cell, served by several processes that share a broker, for the checks that kill one of them."""
