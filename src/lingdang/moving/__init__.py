"""Moving in and out: what a platform had before, in files of rows of one kind each."""
