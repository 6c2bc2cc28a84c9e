"""Takes in what was handed in: folders, zips and files, whose they are, and the cells of each notebook."""
