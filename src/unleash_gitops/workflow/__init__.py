"""What each command does, without flags and printing: plan, apply, accept, pull, init, for one workspace and many."""
