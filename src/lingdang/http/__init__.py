"""What every route shares: the entry, problems as answers, lists by cursor."""
