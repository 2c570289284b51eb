"""What a platform's servers are told: the journal read as events, in one order, and notices that stand beside it."""
