"""What only feature flags need: their document, reads, calls, history, and strategies."""
