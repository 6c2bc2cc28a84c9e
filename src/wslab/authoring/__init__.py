"""What an author of the course runs: the build, plans and the guide, slides and the site, the proof of the labs."""
